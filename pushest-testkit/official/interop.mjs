// The official libraries and the command line `pushest` on the same channels of one server: each
// hears the other. The server is the one in PUSHEST_TEST_URL, with app id 1.
//
//   node interop.mjs PATH_OF_PUSHEST

import { spawn } from "node:child_process";
import { once } from "node:events";

import { PATIENCE_MS, Pusher, PusherClient, equal, testServer, unencrypted } from "./common.mjs";

const pushest = process.argv[2];
const { url, options: app } = testServer();
const masterKey = Buffer.alloc(32, 7).toString("base64");
const server = new Pusher({ ...app, encryptionMasterKeyBase64: masterKey });
const client = new PusherClient(app.key, unencrypted(app.host, app.port, {
  channelAuthorization: {
    customHandler: ({ channelName, socketId }, answer) => {
      const member = { user_id: "js", user_info: { name: "Node" } };
      const data = channelName.startsWith("presence-") ? member : undefined;
      answer(null, server.authorizeChannel(socketId, channelName, data));
    },
  },
}));

const PATIENCE_S = PATIENCE_MS / 1000;

/** Runs `pushest`; answers with the lines of JSON that it printed. */
async function run(...options) {
  const child = spawn(pushest, [...options, "--json", "--url", url.href], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (output += text));
  const [status] = await once(child, "close");
  if (status !== 0) throw new Error(`pushest ${options.join(" ")}: exit status ${status}`);
  return output.split("\n").filter(Boolean).map((line) => JSON.parse(line));
}

/** `pushest listen WHAT…` for one event, which `send` sends until it was heard. */
async function heardByPushest(event, what, send) {
  const options = ["--event", event, "--count", "1", "--timeout", `${PATIENCE_S}`];
  const repeating = setInterval(() => Promise.resolve(send()).catch(() => {}), 200);
  try {
    return (await run("listen", ...what, ...options)).at(-1);
  } finally {
    clearInterval(repeating);
  }
}

function heardByPusherJs(channel, event) {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`pusher-js did not hear ${event} on ${channel.name}`));
    const timer = setTimeout(late, PATIENCE_S * 1000);
    channel.bind(event, (data) => {
      clearTimeout(timer);
      resolve(data);
    });
  });
}

const unique = Date.now().toString(36);

async function checkPublic() {
  const name = `public-${unique}`;
  const publish = () => server.trigger(name, "news", { from: "the HTTP library" });
  const { channel, event, data } = await heardByPushest("news", [name], publish);
  equal([channel, event, data], [name, "news", { from: "the HTTP library" }], "published, to pushest");
}

async function checkEncrypted() {
  const name = `private-encrypted-${unique}`;
  const publish = () => server.trigger(name, "sealed", { text: "for your eyes" });
  const heard = await heardByPushest("sealed", [name, "--master-key", masterKey], publish);
  const { channel, data, decrypted } = heard;
  const wanted = [name, { text: "for your eyes" }, true];
  equal([channel, data, decrypted], wanted, "encrypted, to pushest");
}

async function checkUser() {
  const id = `user-${unique}`;
  const send = () => server.sendToUser(id, "notice", { text: "for you" });
  const heard = await heardByPushest("notice", ["--sign-in", JSON.stringify({ id })], send);
  const own = `#server-to-user-${id}`;
  equal([heard.channel, heard.data], [own, { text: "for you" }], "to a user, to pushest");
}

async function checkClientEvents(kind, user) {
  const name = `${kind}-${unique}`;
  const channel = client.subscribe(name);
  await new Promise((resolve, reject) => {
    channel.bind("pusher:subscription_succeeded", resolve);
    channel.bind("pusher:subscription_error", (error) => reject(new Error(JSON.stringify(error))));
  });
  const say = () => channel.trigger("client-from-js", { from: "js" });
  const heard = await heardByPushest("client-from-js", [name, ...user], say);
  equal([heard.channel, heard.data], [name, { from: "js" }], `${kind}: pusher-js to pushest`);

  const data = heardByPusherJs(channel, "client-from-rust");
  await run("trigger", name, "client-from-rust", '{"from":"rust"}', ...user);
  equal(await data, { from: "rust" }, `${kind}: pushest to pusher-js`);
  return name;
}

async function checkMembers(name) {
  const listed = JSON.stringify(await run("members", name, "--user-id", "rust"));
  equal([listed.includes('"js"'), listed.includes('"Node"')], [true, true], "members, to pushest");
}

try {
  await checkPublic();
  await checkEncrypted();
  await checkUser();
  await checkClientEvents("private", []);
  await checkMembers(await checkClientEvents("presence", ["--user-id", "rust"]));
} finally {
  client.disconnect();
}
