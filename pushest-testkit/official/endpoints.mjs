// pusher-js, as it comes from npm, is authorized by the endpoints that we show: the examples with axum
// and without a framework, and `pushest auth-server`. The server is the one in PUSHEST_TEST_URL, with
// app id 1.
//
//   node endpoints.mjs AUTHORIZERS PUSHEST      AUTHORIZERS: the example of the package `guides`

import { spawn } from "node:child_process";

import { Pusher, PusherClient, equal, firstLine, once, testServer, unencrypted, within } from "./common.mjs";

const [authorizers, pushest] = process.argv.slice(2);
const { url, options: app } = testServer();
const masterKey = Buffer.alloc(32, 7).toString("base64");
const server = new Pusher({ ...app, encryptionMasterKeyBase64: masterKey });
const children = [];

/** Starts a program; answers with the first line that it prints. */
async function first(program, ...options) {
  // It ends when its input does: with this script at the latest.
  const child = spawn(program, options, { stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  return firstLine(child);
}

async function check(name, channels, users, headers) {
  const client = new PusherClient(app.key, unencrypted(app.host, app.port, {
    // What the form says of a user counts for nothing.
    channelAuthorization: {
      endpoint: channels, transport: "ajax", headers, params: { user_id: "eve" },
    },
    userAuthentication: { endpoint: users, transport: "ajax", headers, params: { id: "eve" } },
  }));
  try {
    await once(client.connection, "connected");
    const subscribed = async (channel) => {
      const subscription = client.subscribe(channel);
      const refused = new Promise((_, reject) =>
        subscription.bind("pusher:subscription_error", (error) =>
          reject(new Error(`${name}: ${channel}: ${JSON.stringify(error)}`))));
      refused.catch(() => {});
      const members = once(subscription, "pusher:subscription_succeeded");
      return [subscription, await Promise.race([members, refused])];
    };
    const [own] = await subscribed("private-ada");
    const heard = once(own, "news");
    await server.trigger("private-ada", "news", { text: "for ada" });
    equal((await heard).text, "for ada", `${name}: a private channel`);

    const [, members] = await subscribed("presence-room");
    // Not `members.me`: Soketi's list leaves out who is new and has no `user_info`.
    equal(members.myID, "ada", `${name}: a presence channel, as whom the program says`);
    const { users: there } = await (await server.get({ path: "/channels/presence-room/users" })).json();
    equal(there, [{ id: "ada" }], `${name}: the server knows that, too`);

    const [diary] = await subscribed("private-encrypted-ada");
    const entry = once(diary, "entry");
    await server.trigger("private-encrypted-ada", "entry", { text: "dear diary" });
    equal((await entry).text, "dear diary", `${name}: an encrypted channel`);

    client.signin();
    await within("sign-in", client.user.signinDonePromise);
    equal(client.user.user_data?.id, "ada", `${name}: a sign-in`);
    const personal = client.user.serverToUserChannel;
    if (!personal.subscribed) await once(personal, "pusher:subscription_succeeded");
    const notice = once(client.user, "notice");
    await server.sendToUser("ada", "notice", { text: "you" });
    equal((await notice).text, "you", `${name}: an event to the user`);

    const refusal = once(client.subscribe("private-bob"), "pusher:subscription_error");
    equal((await refusal).status, 403, `${name}: another's channel is refused`);
  } finally {
    client.disconnect();
  }
}

try {
  const [axum, plain] = (await first(authorizers)).split(" ");
  const ada = { Authorization: "Bearer t0ken" };
  await check("axum", `${axum}/auth`, `${axum}/user-auth`, ada);
  await check("no framework", `${plain}/auth`, `${plain}/user-auth`, ada);
  const options = ["--port", "0", "--user-id", "ada", "--refuse", "private-bob", "--json"];
  options.push("--url", url.href, "--master-key", masterKey);
  const { urls } = JSON.parse(await first(pushest, "auth-server", ...options));
  await check("pushest auth-server", urls[0], urls[1], {});
} finally {
  for (const child of children) child.kill();
}
process.exit(0);
