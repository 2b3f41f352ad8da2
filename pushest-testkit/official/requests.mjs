// Compares a thousand random requests of ours with those of npm's unchanged `pusher`: the same path,
// body and signature, ciphertexts included; and what both sign for clients.
//
//   node requests.mjs PROGRAM        PROGRAM is the example `signed_requests` of pushest-proto

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { Agent, createServer } from "node:http";
import { createRequire } from "node:module";

const Pusher = createRequire(import.meta.url)("pusher");

const CALLS = 1000;
const TIME = 1353088179;
const [program] = process.argv.slice(2);

/** Random numbers, the same in each run (mulberry32). */
let state = 7;
function random(below) {
  state = (state + 0x6d2b79f5) | 0;
  let bits = Math.imul(state ^ (state >>> 15), 1 | state);
  bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
  return ((bits ^ (bits >>> 14)) >>> 0) % below;
}
const one = (list) => list[random(list.length)];
const several = (count, make) => Array.from({ length: count }, make);
const NAME = [..."abcXYZ019_-=@,.;"];
const TEXT = [..."ab \"\\/\n\t\b\f\r\u0001\u007f\u0085<>&=?#%+é日\u2028\u{1f980}{}[]:'"];
const name = (prefix) => prefix + "n" + several(random(12), () => one(NAME)).join("");
const text = () => several(1 + random(30), () => one(TEXT)).join("");
const channel = () => name(one(["", "", "private-", "presence-", "cache-"]));
const socketId = () => `${random(1e9)}.${random(1e9)}`;
const data = () => one([text, () => ({ [text()]: text(), n: random(9) }), () => [random(9)]])();
const written = (data) => (typeof data === "string" ? data : JSON.stringify(data));

function parameters() {
  const given = {};
  if (random(2)) given.socket_id = socketId();
  if (random(2)) given.info = one(["user_count", "subscription_count", "user_count,subscription_count"]);
  return given;
}

// What the library sends.
let sent;
const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    sent = { method: request.method, target: request.url, body: Buffer.concat(chunks).toString() };
    response.end("{}");
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
Date.now = () => TIME * 1000;
const agent = new Agent({ keepAlive: true });
const pusher = new Pusher({
  appId: "3",
  key: "278d425bdf160c739803",
  secret: "7ad3773142a6692b25b8",
  host: "127.0.0.1",
  port: server.address().port,
  agent,
  encryptionMasterKeyBase64: Buffer.alloc(32, 7).toString("base64"),
});

/** Each calls the library, and returns the same call for ours. */
const calls = {
  async publish() {
    // Each once: one that is named twice is refused.
    const channels = [...new Set(several(1 + random(4), channel))];
    const [event, payload] = [text(), data()];
    const given = parameters();
    await pusher.trigger(channels, event, payload, given);
    return { call: "publish", channels, name: event, data: written(payload), ...given };
  },
  async encrypted() {
    const [channels, event, payload] = [[name("private-encrypted-")], text(), data()];
    await pusher.trigger(channels, event, payload);
    // The library seals a string as JSON, with its quotes.
    const { nonce } = JSON.parse(JSON.parse(sent.body).data);
    return { call: "publish", channels, name: event, data: JSON.stringify(payload), nonce };
  },
  async user() {
    const [user, event, payload] = [name(""), text(), data()];
    await pusher.sendToUser(user, event, payload);
    const channels = [`#server-to-user-${user}`];
    return { call: "publish", channels, name: event, data: written(payload) };
  },
  async batch() {
    const batch = several(1 + random(10), () => {
      const payload = data();
      return { name: text(), data: payload, channel: channel(), ...parameters() };
    });
    const ours = batch.map((event) => ({ ...event, data: written(event.data) }));
    await pusher.triggerBatch(batch);
    return { call: "batch", batch: ours };
  },
  async channels() {
    const [prefix, info] = [name("presence-"), one(["", "user_count"])];
    const params = { filter_by_prefix: prefix };
    if (info) params.info = info;
    await pusher.get({ path: "/channels", params });
    return { call: "channels", prefix, info };
  },
  async channel() {
    const of = channel();
    const users = of.startsWith("presence-") ? "user_count," : "";
    const info = `${users}subscription_count`;
    await pusher.get({ path: `/channels/${of}`, params: { info } });
    return { call: "channel", channel: of, info };
  },
  async users() {
    const of = name("presence-");
    await pusher.get({ path: `/channels/${of}/users` });
    return { call: "users", channel: of };
  },
  async terminate() {
    const user = name("");
    await pusher.terminateUserConnections(user);
    return { call: "terminate", user_id: user };
  },
};

const theirs = [];
const lines = [];
const kinds = Object.keys(calls);
for (let index = 0; index < CALLS; index += 1) {
  const call = await calls[kinds[index % kinds.length]]();
  theirs.push(sent);
  lines.push({ ...call, time: TIME });
}
agent.destroy();
server.close();

// What both sign for clients.
for (let index = 0; index < 100; index += 1) {
  const [socket, user] = [socketId(), text()];
  const of = name(one(["private-", "presence-", "private-encrypted-"]));
  const form = new URLSearchParams({ socket_id: socket, channel_name: of }).toString();
  const info = { [text()]: text() };
  const member = of.startsWith("presence-") ? { user_id: user, user_info: info } : undefined;
  theirs.push(pusher.authorizeChannel(socket, of, member));
  lines.push({ call: "authorize", form, user_id: user, user_info: JSON.stringify(info) });
  theirs.push(pusher.authenticateUser(socket, { id: user }));
  lines.push({ call: "authenticate", form, user_id: user });
}

const input = lines.map((line) => JSON.stringify(line)).join("\n");
const run = spawnSync(program, { input, encoding: "utf8", maxBuffer: 1 << 28 });
assert.equal(run.status, 0, run.stderr);
const ours = run.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
assert.equal(ours.length, theirs.length);

/** A target with its parameters decoded: the library leaves them as they are. */
function decoded(target) {
  const [path, query] = target.split("?");
  return { path, query: query.split("&").map(decodeURIComponent) };
}
ours.forEach((request, index) => {
  const [call, expected] = [lines[index], theirs[index]];
  assert.equal(request.error, undefined, JSON.stringify(call));
  if (expected.target === undefined) {
    assert.deepEqual(request, expected, JSON.stringify(call));
    return;
  }
  const { target, ...rest } = request;
  const { target: theirTarget, ...theirRest } = expected;
  assert.deepEqual(rest, theirRest, JSON.stringify(call));
  assert.deepEqual(decoded(target), decoded(theirTarget), JSON.stringify(call));
});
const authorizations = ours.length - CALLS;
console.log(`npm's pusher: ${CALLS} requests and ${authorizations} authorizations are the same`);
