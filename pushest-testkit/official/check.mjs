// Drives a Pusher Channels server with the unchanged official libraries: `pusher` (HTTP API and
// signatures) and `pusher-js` (WebSocket). Prints every check, exits non-zero if one fails.
//
//   node check.mjs [--host 127.0.0.1] [--port 6001] [--app-id 1] [--key app-key]
//                  [--secret app-secret] [--skip NAME]…
//
// or the same through PUSHER_HOST, PUSHER_PORT, PUSHER_APP_ID, PUSHER_APP_KEY, PUSHER_APP_SECRET.

import { createRequire } from "node:module";
import { parseArgs } from "node:util";

const require = createRequire(import.meta.url);
const Pusher = require("pusher");
const PusherClient = require("pusher-js");

const { values: options } = parseArgs({
  options: {
    host: { type: "string", default: process.env.PUSHER_HOST ?? "127.0.0.1" },
    port: { type: "string", default: process.env.PUSHER_PORT ?? "6001" },
    "app-id": { type: "string", default: process.env.PUSHER_APP_ID ?? "1" },
    key: { type: "string", default: process.env.PUSHER_APP_KEY ?? "app-key" },
    secret: { type: "string", default: process.env.PUSHER_APP_SECRET ?? "app-secret" },
    skip: { type: "string", multiple: true, default: [] },
  },
});
const skipped = new Set(options.skip);
const PATIENCE_MS = 5000;

const server = new Pusher({
  appId: options["app-id"],
  key: options.key,
  secret: options.secret,
  host: options.host,
  port: options.port,
  useTLS: false,
  encryptionMasterKeyBase64: Buffer.alloc(32, 7).toString("base64"),
});

const clients = [];

/** A connected pusher-js whose authorizations are signed by the `pusher` library. */
async function connect(user, signedInAs) {
  const client = new PusherClient(options.key, {
    cluster: "",
    wsHost: options.host,
    wsPort: Number(options.port),
    forceTLS: false,
    enabledTransports: ["ws"],
    enableStats: false,
    channelAuthorization: {
      customHandler: ({ channelName, socketId }, answer) => {
        const member = channelName.startsWith("presence-")
          ? { user_id: user, user_info: { name: `Name of ${user}` } }
          : undefined;
        answer(null, server.authorizeChannel(socketId, channelName, member));
      },
    },
    userAuthentication: {
      customHandler: ({ socketId }, answer) => {
        answer(null, server.authenticateUser(socketId, signedInAs));
      },
    },
  });
  clients.push(client);
  await event(client.connection, "connected", "a connection");
  return client;
}

/** Signs a client in as the user that it was connected with. */
async function signIn(client) {
  const refused = event(client.connection, "message", "answer to the sign-in", ({ event }) =>
    event === "pusher:error").then(({ data }) => {
    throw new Error(`the sign-in was refused: ${JSON.stringify(data.data)}`);
  });
  refused.catch(() => {});
  client.signin();
  await Promise.race([client.user.signinDonePromise, refused]);
}

/** The next emission of `name`, or a failure that says what was waited for. */
function event(source, name, what = name, accept = () => true) {
  const waiting = new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      source.unbind(name, listener);
      reject(new Error(`no ${what} within ${PATIENCE_MS} ms`));
    }, PATIENCE_MS);
    const listener = (data, metadata) => {
      if (accept(data)) {
        clearTimeout(timer);
        source.unbind(name, listener);
        resolve({ data, metadata });
      }
    };
    source.bind(name, listener);
  });
  // A check that has failed elsewhere does not come to look at this one any more.
  waiting.catch(() => {});
  return waiting;
}

/** A channel once it is subscribed to, and the data of the success. */
async function subscribe(client, name) {
  const channel = client.subscribe(name);
  const refused = new Promise((_, reject) => {
    channel.bind("pusher:subscription_error", (data) =>
      reject(new Error(`${name} was refused: ${JSON.stringify(data)}`)));
  });
  refused.catch(() => {});
  const succeeded = event(channel, "pusher:subscription_succeeded", `subscription to ${name}`);
  const { data } = await Promise.race([succeeded, refused]);
  return { channel, data };
}

/** A signed-in watcher, the one it watches, and the notices that the watcher gets. */
async function watch(label) {
  const [watcher, watched] = [`watcher-${label}-${unique}`, `watched-${label}-${unique}`];
  const first = await connect("u1", { id: watcher, watchlist: [watched] });
  const notice = (wanted) =>
    event(first.connection, "message", `${wanted} notice`, (message) => {
      const events = message.event === "pusher_internal:watchlist_events"
        ? message.data.events
        : [{ name: message.event, user_ids: message.data?.user_ids ?? [] }];
      return events.some(({ name, user_ids }) => name === wanted && user_ids.includes(watched));
    });
  await signIn(first);
  // Sockudo tells only of users who have a watchlist themselves.
  const second = await connect("u2", { id: watched, watchlist: [watcher] });
  return { second, online: notice("online"), notice };
}

/** Fails unless both values have the same JSON. */
function equal(found, wanted, what) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`${what}: ${a}, not ${b}`);
}

const unique = Date.now().toString(36);

const checks = {
  async "a public event published over HTTP"() {
    const client = await connect("u1");
    const { channel } = await subscribe(client, `public-${unique}`);
    const heard = event(channel, "greeting");
    await server.trigger(`public-${unique}`, "greeting", { text: "hello" });
    equal((await heard).data, { text: "hello" }, "data");
  },

  async "empty data"() {
    const client = await connect("u1");
    const { channel } = await subscribe(client, `empty-${unique}`);
    const heard = event(channel, "nothing");
    await server.trigger(`empty-${unique}`, "nothing", "");
    equal((await heard).data, "", "data");
  },

  async "the publisher is left out by its socket id"() {
    const [first, second] = [await connect("u1"), await connect("u2")];
    const name = `except-${unique}`;
    const { channel: mine } = await subscribe(first, name);
    const { channel: theirs } = await subscribe(second, name);
    const heard = [];
    mine.bind_global((name) => heard.push(name));
    const both = event(mine, "for-all");
    const other = event(theirs, "for-others");
    await server.trigger(name, "for-others", "x", { socket_id: first.connection.socket_id });
    await other;
    await server.trigger(name, "for-all", "x");
    await both;
    equal(heard, ["for-all"], "events of the one left out");
  },

  async "a private channel"() {
    const client = await connect("u1");
    const { channel } = await subscribe(client, `private-${unique}`);
    const heard = event(channel, "secret");
    await server.trigger([`private-${unique}`, `other-${unique}`], "secret", "for you");
    equal((await heard).data, "for you", "data");
  },

  async "a wrong signature is refused and the connection lives on"() {
    const client = await connect("u1");
    const wrong = new Pusher({ appId: "x", key: options.key, secret: "another", host: "x" });
    const name = `private-wrong-${unique}`;
    const { auth } = wrong.authorizeChannel(client.connection.socket_id, name);
    let succeeded = false;
    client.connection.bind("message", (message) => {
      succeeded ||= message.event === "pusher_internal:subscription_succeeded" && message.channel === name;
    });
    const refusal = event(client.connection, "message", "refusal", ({ event }) =>
      ["pusher:error", "pusher:subscription_error", "pusher_internal:subscription_error"].includes(event));
    client.send_event("pusher:subscribe", { channel: name, auth });
    await refusal;
    const { channel } = await subscribe(client, `still-there-${unique}`);
    const heard = event(channel, "yes");
    await server.trigger(`still-there-${unique}`, "yes", "x");
    await heard;
    equal(succeeded, false, "a subscription with a wrong signature");
  },

  async "presence: members, added and removed"() {
    const name = `presence-${unique}`;
    const first = await connect("alice");
    const { channel, data } = await subscribe(first, name);
    equal([data.count, data.me.id], [1, "alice"], "first members");
    const added = event(channel, "pusher:member_added");
    const second = await connect("bob");
    const { data: members } = await subscribe(second, name);
    equal((await added).data, { id: "bob", info: { name: "Name of bob" } }, "member added");
    equal(Object.keys(members.members).sort(), ["alice", "bob"], "members seen by the second");
    equal(members.get("alice").info, { name: "Name of alice" }, "info of the first");

    const again = await connect("bob");
    const heard = [];
    channel.bind("pusher:member_added", (member) => heard.push(member.id));
    await subscribe(again, name);
    const users = await (await server.get({ path: `/channels/${name}/users` })).json();
    equal(users.users.map(({ id }) => id).sort(), ["alice", "bob"], "users over HTTP");
    again.disconnect();
    const removed = event(channel, "pusher:member_removed");
    second.disconnect();
    equal((await removed).data.id, "bob", "member removed");
    equal(heard, [], "additions of a user who was there");
    equal(channel.members.count, 1, "members left");
  },

  async "client events, both ways"() {
    const name = `presence-events-${unique}`;
    const [first, second] = [await connect("alice"), await connect("bob")];
    const { channel: a } = await subscribe(first, name);
    const { channel: b } = await subscribe(second, name);
    let echoed = false;
    a.bind("client-typing", () => (echoed = true));
    const atSecond = event(b, "client-typing");
    a.trigger("client-typing", { keys: 3 });
    const { data, metadata } = await atSecond;
    equal(data, { keys: 3 }, "client event");
    if (metadata?.user_id === undefined) console.log("note  client events do not say who sent them");
    else equal(metadata.user_id, "alice", "sender");
    const atFirst = event(a, "client-answer");
    b.trigger("client-answer", "as text");
    equal((await atFirst).data, "as text", "client event with a string");
    equal(echoed, false, "echo to the sender");
  },

  async "client events on a private channel"() {
    const name = `private-events-${unique}`;
    const [first, second] = [await connect("u1"), await connect("u2")];
    const { channel: a } = await subscribe(first, name);
    const { channel: b } = await subscribe(second, name);
    const heard = event(b, "client-x");
    a.trigger("client-x", [1, 2]);
    equal((await heard).data, [1, 2], "data");
  },

  async "a batch of events"() {
    const client = await connect("u1");
    const { channel: a } = await subscribe(client, `batch-a-${unique}`);
    const { channel: b } = await subscribe(client, `batch-b-${unique}`);
    const heard = [event(a, "one"), event(b, "two")];
    await server.triggerBatch([
      { channel: `batch-a-${unique}`, name: "one", data: { n: 1 } },
      { channel: `batch-b-${unique}`, name: "two", data: { n: 2 } },
    ]);
    equal((await Promise.all(heard)).map(({ data }) => data.n), [1, 2], "data");
  },

  async "channels over HTTP"() {
    const name = `presence-listed-${unique}`;
    const client = await connect("alice");
    await subscribe(client, name);
    const params = { filter_by_prefix: `presence-listed-${unique}`, info: "user_count" };
    const list = await (await server.get({ path: "/channels", params })).json();
    equal(list.channels, { [name]: { user_count: 1 } }, "channels");
    const one = await (await server.get({
      path: `/channels/${name}`,
      params: { info: "user_count,subscription_count" },
    })).json();
    equal([one.occupied, one.user_count], [true, 1], "one channel");
  },

  async "a request with a wrong secret is refused"() {
    const { appId, key, host, port } = { appId: options["app-id"], ...options };
    const wrong = new Pusher({ appId, key, secret: "another", host, port, useTLS: false });
    const status = await wrong.trigger("x", "y", "z").then(() => 200, (error) => error.status);
    equal(status, 401, "status");
  },

  async "data that is too large is refused"() {
    const status = await server
      .trigger(`public-${unique}`, "large", "x".repeat(1024 * 1024))
      .then(() => 200, (error) => error.status);
    equal(status, 413, "status");
  },

  async "an encrypted channel"() {
    const name = `private-encrypted-${unique}`;
    const client = await connect("u1");
    const { channel } = await subscribe(client, name);
    const raw = event(client.connection, "message", "ciphertext", ({ event }) => event === "sealed");
    const heard = event(channel, "sealed");
    await server.trigger(name, "sealed", { text: "for your eyes" });
    equal((await heard).data, { text: "for your eyes" }, "decrypted data");
    const { ciphertext, nonce } = (await raw).data.data;
    equal([typeof ciphertext, typeof nonce], ["string", "string"], "what went over the wire");
  },

  async "cache channels: a miss, then the last event"() {
    const name = `cache-${unique}`;
    const first = await connect("u1");
    const missed = event(first.subscribe(name), "pusher:cache_miss");
    await missed;
    const heard = event(first.channel(name), "price");
    await server.trigger(name, "price", { value: 7 });
    await heard;
    const second = await connect("u2");
    equal((await event(second.subscribe(name), "price")).data, { value: 7 }, "cached event");
  },

  async "a private cache channel"() {
    const name = `private-cache-${unique}`;
    await server.trigger(name, "state", "kept");
    const client = await connect("u1");
    equal((await event(client.subscribe(name), "state")).data, "kept", "cached event");
  },

  async "sign-in and an event to the user"() {
    const user = `user-${unique}`;
    const client = await connect("u1", { id: user, user_info: { name: "One" } });
    await signIn(client);
    equal(client.user.user_data.id, user, "signed in as");
    const own = client.user.serverToUserChannel;
    if (!own.subscribed) await event(own, "pusher:subscription_succeeded", "user channel");
    const heard = event(client.user, "notice");
    await server.sendToUser(user, "notice", { text: "you" });
    equal((await heard).data, { text: "you" }, "data");
  },

  async "watchlist: a user comes"() {
    const { second, online } = await watch("comes");
    await signIn(second);
    await online;
  },

  async "watchlist"() {
    const { second, online, notice } = await watch("goes");
    await signIn(second);
    await online;
    const offline = notice("offline");
    second.disconnect();
    await offline;
  },

  async "connections of a user are terminated"() {
    const user = `gone-${unique}`;
    const client = await connect("u1", { id: user });
    await signIn(client);
    const left = event(client.connection, "state_change", "end of the connection");
    await server.terminateUserConnections(user);
    equal((await left).data.previous, "connected", "state before");
  },

  async "a ping is answered"() {
    const client = await connect("u1");
    const pong = event(client.connection, "message", "pong", ({ event }) => event === "pusher:pong");
    client.send_event("pusher:ping", {});
    await pong;
  },

  async "another key is refused with 4001"() {
    const client = new PusherClient("no-such-key", {
      cluster: "",
      wsHost: options.host,
      wsPort: Number(options.port),
      forceTLS: false,
      enabledTransports: ["ws"],
    });
    clients.push(client);
    const { data } = await event(client.connection, "error", "refusal", (error) =>
      error?.data?.code === 4001 || error?.error?.data?.code === 4001);
    equal(data.data?.code ?? data.error.data.code, 4001, "code");
  },
};

const unknown = [...skipped].filter((name) => !(name in checks));
if (unknown.length > 0) throw new Error(`no such check: ${unknown.join("; ")}`);

let failures = 0;
for (const [name, check] of Object.entries(checks)) {
  if (skipped.has(name)) {
    console.log(`skip  ${name}`);
    continue;
  }
  try {
    await check();
    console.log(`ok    ${name}`);
  } catch (error) {
    failures += 1;
    console.error(`FAIL  ${name}: ${error?.message ?? error}`);
    if (error?.body) console.error(`      ${error.status} ${error.body}`);
  } finally {
    for (const client of clients.splice(0)) client.disconnect();
  }
}
console.log(failures === 0 ? "all checks passed" : `${failures} checks failed`);
process.exit(failures === 0 ? 0 : 1);
