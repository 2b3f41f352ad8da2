//! `pushest auth-server`: the authorization endpoint of an app's backend, for local work ([protocol,
//! authorization endpoint](pushest_proto::protocol#authorization-endpoint)).

use pushest_proto::{
    AuthReply, ChannelForm, ChannelKind, ChannelName, MemberData, NameRules, SignError, Signer,
    SocketId, UserData, UserForm,
};

use crate::arguments::AuthServerArguments;
use crate::connection;
use crate::failure::Failure;
use crate::http::{Asked, Endpoint, Replies, Reply};
use crate::interruption;
use crate::output::{Backend, Line, Output, Served};

/// Where pusher-js asks, and where Laravel has it.
const CHANNELS: [&str; 2] = ["/pusher/auth", "/broadcasting/auth"];
const USERS: [&str; 2] = ["/pusher/user-auth", "/broadcasting/user-auth"];

const RISK: &str = "it signs for them, as the user of --user-id, for every channel";

pub(crate) async fn run(arguments: &AuthServerArguments, output: &Output) -> Result<(), Failure> {
    let options = &arguments.endpoint;
    let config = connection::app(&options.app, arguments.master_key.as_deref())?;
    let signer = connection::secret(&config)?.clone();
    let user_id = arguments.user_id.clone().unwrap_or_else(super::random_user);
    let (mut member, mut user) = (MemberData::new(&user_id), UserData::new(&user_id));
    if let Some(info) = &arguments.user_info {
        check_info(info)?;
        (member, user) = (member.info(info), user.info(info));
    }
    user = user.watchlist(arguments.watch.iter().map(String::as_str));
    check_user(&signer, &user)?;
    let names = super::api::names(arguments.name_characters.as_deref());
    let refused = arguments.refuse.iter().map(|it| ChannelName::with_rules(it, &names));
    let refused = refused.collect::<Result<Vec<_>, _>>()?;

    // Set up first: a signal may come as soon as the address is known.
    interruption::watch()?;
    let endpoint = Endpoint::bind(options, arguments.port, RISK, output).await?;
    let address = endpoint.address().map_err(Failure::failed)?;
    let url = |path: &str| endpoint.url(path).map_err(Failure::failed);
    output.line(&Line::Backend(Backend::Serving {
        host: address.ip(),
        port: address.port(),
        key: config.key(),
        user_id: Some(&user_id),
        urls: vec![url(CHANNELS[0])?, url(USERS[0])?],
    }))?;
    let authorizer = Authorizer {
        signer,
        user_id: user_id.clone(),
        member,
        user,
        refused,
        names,
        output: output.clone(),
    };
    // A signal is how a server ends.
    let stop = async {
        interruption::first().await;
    };
    tokio::select! {
        error = output.failed() => Err(error.into()),
        () = endpoint.serve(authorizer, stop) => Ok(()),
    }
}

/// The info of a user must be an object: clients look into it.
fn check_info(info: &str) -> Result<(), Failure> {
    let value: serde_json::Value = serde_json::from_str(info).map_err(|error| {
        Failure::input(format_args!("--user-info {info:?} is not JSON: {error}"))
    })?;
    if value.is_object() {
        return Ok(());
    }
    Err(Failure::input(format_args!("--user-info {info:?} is not a JSON object")))
}

/// Signs once, for no connection: what cannot be signed is bad input, not a failure of each request.
fn check_user(signer: &Signer, user: &UserData) -> Result<(), Failure> {
    let unused = SocketId::new("1.1").expect("two runs of digits");
    signer.authenticate_user(&unused, user).map(drop).map_err(Failure::input)
}

struct Authorizer {
    signer: Signer,
    user_id: String,
    member: MemberData,
    user: UserData,
    refused: Vec<ChannelName>,
    names: NameRules,
    output: Output,
}

impl Replies for Authorizer {
    fn has(&self, path: &str) -> bool {
        CHANNELS.contains(&path) || USERS.contains(&path)
    }

    async fn reply(&self, asked: Asked) -> Reply {
        let content_type = asked.header("content-type").unwrap_or_default();
        let reply = if USERS.contains(&&*asked.path) {
            UserForm::read(content_type, &asked.body).map(|form| self.authenticate(&form))
        } else {
            ChannelForm::read_with_rules(content_type, &asked.body, &self.names)
                .map(|form| self.authorize(&form))
        };
        let AuthReply { status, body, .. } = reply.unwrap_or_else(|error| {
            let reason = error.to_string();
            let (method, path, status) = ("POST", asked.shown_path(), Some(400));
            self.print(&Line::Served(Served::Request { method, path, status, reason: &reason }));
            error.into()
        });
        Reply { status, content_type: AuthReply::CONTENT_TYPE, body }
    }
}

impl Authorizer {
    fn authorize(&self, form: &ChannelForm) -> AuthReply {
        let (channel, socket_id) = (Some(form.channel.as_str()), form.socket_id.as_str());
        let is_member = form.channel.kind() == ChannelKind::Presence;
        let user_id = Some(&*self.user_id).filter(|_| is_member);
        if self.refused.contains(&form.channel) {
            let reason = Some("refused, as told");
            self.tell(Backend::Authorization { channel, socket_id, user_id, status: 403, reason });
            return AuthReply::forbidden("refused");
        }
        let signed =
            self.signer.authorize_channel(&form.socket_id, &form.channel, Some(&self.member));
        let reason = signed.as_ref().err().map(ToString::to_string);
        let reply: AuthReply = match signed {
            // It is not this program's mistake, but its user's.
            Err(error @ SignError::MasterKeyMissing { .. }) => {
                AuthReply::forbidden(&error.to_string())
            }
            signed => signed.into(),
        };
        let (status, reason) = (reply.status, reason.as_deref());
        self.tell(Backend::Authorization { channel, socket_id, user_id, status, reason });
        reply
    }

    fn authenticate(&self, form: &UserForm) -> AuthReply {
        let signed = self.signer.authenticate_user(&form.socket_id, &self.user);
        let reason = signed.as_ref().err().map(ToString::to_string);
        let reply: AuthReply = signed.into();
        self.tell(Backend::Authorization {
            channel: None,
            socket_id: form.socket_id.as_str(),
            user_id: Some(&self.user_id),
            status: reply.status,
            reason: reason.as_deref(),
        });
        reply
    }

    fn tell(&self, line: Backend<'_>) {
        self.print(&Line::Backend(line));
    }

    fn print(&self, line: &Line<'_>) {
        // That standard output is closed ends the command.
        let _ = self.output.line(line);
    }
}
