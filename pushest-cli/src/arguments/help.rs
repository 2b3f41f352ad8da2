//! What stands below the options in the help of the commands.

pub(super) const EXIT_STATUS: &str = "\
Exit status:
  0  done
  1  a failure, a refusal or a timeout; standard error says which
  2  bad input: nothing was sent
  130, 143  ended by SIGINT or SIGTERM before it was done

Where the output is not read, a command that is done waits for it to be read. A signal, or the
--timeout of `listen`, ends it within a second, and what was not printed is counted on standard
error; a second signal ends it at once. What servers and other users say is shown with control
characters, invisible characters and those that set the direction of text escaped, as \\u{1b};
with --json they stand as JSON's own escapes, and the values are exact.";

pub(super) const VARIABLES: &str = "\
Environment variables (options win over them; --url replaces them all):
  PUSHER_URL, PUSHER_APP_ID, PUSHER_APP_KEY, PUSHER_APP_SECRET, PUSHER_APP_CLUSTER, PUSHER_HOST,
  PUSHER_PORT, PUSHER_SCHEME; where neither PUSHER_URL nor PUSHER_APP_KEY is set, REVERB_APP_ID,
  REVERB_APP_KEY, REVERB_APP_SECRET, REVERB_HOST, REVERB_PORT, REVERB_SCHEME. With --host or --cluster the
  variables' whole address (host, port, scheme) is left out. A variable names one host, never several.
  PUSHER_ENCRYPTION_MASTER_KEY_BASE64 is what --master-key is, with --url, too.
  PUSHEST_PROXY is the URL of a proxy, with http://USER:PASSWORD@HOST:PORT, too, percent-encoded; else
  HTTPS_PROXY (for wss:// and https://), HTTP_PROXY (for ws:// and http://) and ALL_PROXY name one, and
  NO_PROXY what is reached without. --proxy and --no-proxy win over all of them.";

pub(super) const LISTEN: &str = "\
Standard output has one line per event, flushed at once; what happens to the connection goes to
standard error. When the connection is lost, it is made again, every channel is subscribed again,
and a gap line tells that events may be missing. A channel that the server refuses is reported; if
none is left, or the sign-in is refused, the exit status is 1. Interrupting a listener that has no
--count is its normal end, with exit status 0.

With --event NAME, which may be given several times, only events of these very names are printed and
counted, with gaps and lags; what happens to the connection is told as ever.

With --timestamps each line, those on standard error too, begins with the time at which it was
written, as 2026-11-26T15:17:42.034Z: UTC, by the clock of this machine. With --json each line has
it as \"time\" anyway.

With --json standard output has everything: nothing needs to be read from standard error as well,
where people find the same as ever. Each line is an object with \"type\" and \"time\" before all
else, and later versions may add fields and types. The types of events:
  {\"type\":\"event\",\"time\":…,\"channel\":…,\"event\":…,\"data\":…,\"user_id\":…,\"decrypted\":…}
      data: the value; a string that holds JSON is decoded. user_id: the member that sent a client
      event, else null. decrypted: whether the data came encrypted
  {\"type\":\"undecryptable\",…,\"channel\":…,\"event\":…,\"reason\":…}
      an encrypted event that could not be opened; it does not count
  {\"type\":\"members\",…,\"channel\":…,\"joined\":[{\"user_id\":…,\"user_info\":…}],\"left\":[…],\"known\":…}
      the whole list came with a subscription: the difference to what was known. known: whether the
      list could be read
  {\"type\":\"joined\",…,\"channel\":…,\"user_id\":…,\"user_info\":…}, and the same with \"left\"
  {\"type\":\"gap\",…,\"channel\":…,\"silent_ms\":…,\"since_ms\":…,\"cause\":…}
      events of the last silent_ms milliseconds may be missing, those sent from since_ms on:
      milliseconds since 1970 (UTC), or null
  {\"type\":\"subscription_count\",…,\"channel\":…,\"count\":…}
  {\"type\":\"cache_miss\",…,\"channel\":…}
  {\"type\":\"unrouted\",…,\"event\":…,\"message\":…}
      a message that belongs to no channel and that the protocol does not know
  {\"type\":\"lagged\",…,\"dropped\":…}
      the reader of this output was too slow: this number of the oldest events that waited are gone
  {\"type\":\"signed_in\",…,\"user_id\":…}
      again after every reconnection; events to the user come on #server-to-user-ID
  {\"type\":\"online\",…,\"user_ids\":[…]}, and the same with \"offline\"
      users of the watchlist
And those of the connection:
  {\"type\":\"state\",…,\"state\":…,\"attempt\":…,\"address\":…,\"proxy\":…,\"unix_socket\":…,
   \"socket_id\":…,\"reason\":…,\"retry_ms\":…}
      state: connecting (to address, through proxy or over unix_socket), connected (as socket_id),
      waiting (for retry_ms, because of reason), refused (because of reason) or disconnected; what
      does not apply is null. proxy: its URL, with *** in the place of user and password
  {\"type\":\"subscribed\",…,\"channel\":…}
      again after every reconnection
  {\"type\":\"subscription_failed\",…,\"channel\":…,\"reason\":…,\"retry_ms\":…}
      retry_ms: it is tried again on this connection after so long; null: not before the next one
  {\"type\":\"sign_in_failed\",…,\"reason\":…,\"retry_ms\":…}
  {\"type\":\"server_error\",…,\"channel\":…,\"code\":…,\"message\":…}
  {\"type\":\"malformed\",…,\"channel\":…,\"reason\":…,\"message\":…}
      a message that could not be understood, and its beginning
  {\"type\":\"limit_reached\",…,\"channel\":…,\"dropped\":…,\"text\":…}
      more members or users than are kept
  {\"type\":\"warning\",…,\"text\":…}, {\"type\":\"note\",…,\"text\":…}
      for people only
  {\"type\":\"error\",…,\"text\":…}
      why the exit status is not 0; it is the last line

A channel whose name is almost one of another kind (private_chat, prescence-room) is warned about.
Where no connection can be made, `pushest doctor` with the same options tells which step fails.";

pub(super) const RECORD: &str = "\
With --record FILE everything that the client is told, asked and answers goes into a new file, for a
report of a fault; `pushest replay FILE` lives through it again. It has everything that the server
sent, member data and user data: look it through before you show it to others. No secret, no key
and no token is in it, and of encrypted events neither key nor text: they replay as asterisks. The
file is readable for its owner only, and written out every second and at the end. An existing file
is not overwritten.";

pub(super) const REPLAY: &str = "\
Nothing is dialled. Standard output has the lines of `listen`, without the time, and at last the
verdict; what happened to the connection goes to standard error, and with --json to standard output,
too. The exit status is 0 if the replay does what was recorded,
1 if it does something else, and 2 if the file cannot be read as a recording: the line and the rule
are named. No line may be longer than 64 MiB.

With --json the verdict is one of these:
  {\"type\":\"replayed\",\"lines\":…,\"actions\":…}
      the number of lines, and of actions that are equal
  {\"type\":\"differs\",\"line\":…,\"recorded\":…,\"replayed\":…}
      the first line at which they differ";

pub(super) const DOCTOR: &str = "\
The steps: resolve, connect, tls, upgrade (to WebSocket), handshake (of the protocol), sign,
subscribing (public, private, presence, encrypted, as far as they are asked for), trigger: the event
client-pushest-doctor, which other subscribers of the channel receive; and where the app's id is
given, publish and receive: the event pushest-doctor, by the HTTP API and back. Where subscribing
works and no event comes, these two tell which half fails.

With --json each step is a line:
  {\"type\":\"check\",\"step\":…,\"result\":\"ok\" or \"failed\" or \"skipped\",\"text\":…,\"hint\":… or null}";

pub(super) const TRIGGER: &str = "\
An event is never kept to be sent later. The command waits for the connection and the subscription,
for --timeout at most. If the connection is lost before the event went out, it is refused, and the
error names the state of the connection; if it is lost before the server has confirmed that it read
the event, the error says so, and whether it arrived is not known. The exit status is 1 then, and
the command does not try again.

With --json the line is:
  {\"type\":\"triggered\",\"channel\":…,\"event\":…,\"round_trip_ms\":…}";

pub(super) const MEMBERS: &str = "\
With --json each member is a line, after what else the server says with the list (see `listen`):
  {\"type\":\"member\",\"channel\":…,\"user_id\":…,\"user_info\":…,\"me\":…}
      me: whether it is the user that the command joined as";

pub(super) const PUBLISH_USAGE: &str = "\
pushest publish [OPTIONS] CHANNEL… EVENT [DATA | - | @FILE]
       pushest publish [OPTIONS] --to-user ID EVENT [DATA | - | @FILE]
       pushest publish [OPTIONS] --batch";

pub(super) const PUBLISH: &str = "\
  pushest publish orders shipped                    one channel, no data
  pushest publish orders shipped '{\"id\":7}'
  pushest publish orders private-audit shipped '{\"id\":7}'
  pushest publish --to-user 7 parcel @parcel.json
  pushest publish --batch < events.jsonl

With a channel and a name there is no data, and {} is sent; with more words, the last is the data. It
goes out as it stands: JSON as a rule, and any text. From standard input and files the end of the
last line is left out. Text that may begin with @, or be a -, is for standard input, too:
  printf %s \"$TEXT\" | pushest publish chat message -

The app's id, its key and its secret are needed: --app-id or PUSHER_APP_ID, or a --url of the form
http://KEY:SECRET@HOST:PORT/apps/ID. Events on encrypted channels are sealed with the master key.

Lines of --batch are {\"channel\":…,\"name\":…,\"data\":…,\"socket_id\":…}, the last of which may be left out;
data that is no string is sent as the JSON that stands there. What has come goes out at once, up to
ten events in a request. A line that cannot be read, or breaks a rule, is named, and ends the
command; what came before it is published, and the exit status is 1 then.

A signal ends the command at once. How many events were published by then is said on standard error,
and how many more may have arrived.

With --json the last line is one of these:
  {\"type\":\"accepted\",\"channels\":[…],\"user_id\":…,\"event\":…,\"count\":…,\"elapsed_ms\":…}
      user_id: that of --to-user, or null
  {\"type\":\"batched\",\"events\":…,\"requests\":…,\"elapsed_ms\":…}
  {\"type\":\"failed\",\"published\":…,\"may_have_arrived\":…,\"status\":…,\"reason\":…}
      published: how many events the server has accepted. may_have_arrived: whether those of the
      last call may have arrived all the same. status: of its HTTP answer, or null";

pub(super) const CHANNELS: &str = "\
With --json each channel is a line:
  {\"type\":\"channel\",\"channel\":…,\"occupied\":true,\"user_count\":…,\"subscription_count\":…,\"cache\":…}
      what was not asked for, or the server does not tell, is null";

pub(super) const CHANNEL: &str = "\
With --json it is one line, of the form that `channels` prints.";

pub(super) const USERS: &str = "\
With --json each user is a line:
  {\"type\":\"user\",\"channel\":…,\"user_id\":…}";

pub(super) const TERMINATE: &str = "\
With --json the line is:
  {\"type\":\"terminated\",\"user_id\":…}";

pub(super) const SIGN: &str = "\
With --json the line is what an endpoint answers, with a type before it:
  {\"type\":\"signed\",\"auth\":…,\"channel_data\":…,\"shared_secret\":…,\"user_data\":…}
      what does not apply is left out";

pub(super) const AUTH_SERVER: &str = "\
The endpoints are where pusher-js looks for them:
  POST /pusher/auth       for channels; /broadcasting/auth, as Laravel has it, is the same
  POST /pusher/user-auth  for sign-ins; and /broadcasting/user-auth

Each request is answered at once, and is a line: channel, socket id, and what became of it. Every
client is the user that --user-id names, whatever the request says. Socket id and channel name are
checked before anything is signed. Encrypted channels need the master key.

With --json:
  {\"type\":\"serving\",\"time\":…,\"host\":…,\"port\":…,\"key\":…,\"user_id\":…,\"urls\":[…]}
      urls: for channels, and for sign-ins
  {\"type\":\"authorization\",…,\"channel\":…,\"socket_id\":…,\"user_id\":…,\"status\":…,\"reason\":…}
      channel: null for a sign-in. reason: why it was refused, else null
  {\"type\":\"request\",…,\"method\":…,\"path\":…,\"status\":…,\"reason\":…}
      a request that could not be answered; for people it is on standard error";

pub(super) const WEBHOOKS: &str = "\
Point the server to the URL that the first line names: `pushest serve --webhooks URL`, or its
settings. Each event is a line, in the server's order. One whose webhook has come before is marked
as `again`, if all of it was printed: servers send a webhook again that was not answered in time.

With --json the first line is \"serving\", as of `auth-server`, and then:
  {\"type\":\"webhook\",\"time\":…,\"name\":…,\"channel\":…,\"user_id\":…,\"event\":…,\"data\":…,\"socket_id\":…,
   \"count\":…,\"json\":…,\"time_ms\":…,\"again\":…}
      event, data, socket_id: of a client event. count: of a subscription count. json: the whole
      event, where its name is not known here. time_ms: when the server made the webhook, in
      milliseconds since 1970. again: whether it has come before, and all of it was printed
  {\"type\":\"request\",…,\"method\":…,\"path\":…,\"status\":…,\"reason\":…}
      what was not taken; for people it is on standard error";

pub(super) const GUARD: &str = "\
Requests for another host than localhost and the address that was reached are refused with 403: by a
name of its own, any page could reach this machine. So are requests of pages of other
origins than those that --allow-origin names, or of localhost where it names none. Programs that are
no browsers send no origin.";

pub(super) const DEMO: &str = "\
With --json each step is a line:
  {\"type\":\"step\",\"step\":…,\"elapsed_ms\":…,\"text\":…}";

pub(super) const COMPLETIONS: &str = "\
Where shells look for it:
  bash        pushest completions bash > ~/.local/share/bash-completion/completions/pushest
  zsh         pushest completions zsh > a folder of $fpath, as _pushest
  fish        pushest completions fish > ~/.config/fish/completions/pushest.fish
  elvish      pushest completions elvish >> ~/.config/elvish/rc.elv
  powershell  pushest completions powershell >> $PROFILE";

pub(super) const MANUAL: &str = "\
To read it: pushest manual | man -l -
To install it: pushest manual > ~/.local/share/man/man1/pushest.1";
