// npm's `pusher`, as it comes, verifies and reads the webhooks that the testkit's server sends, which
// `pushest serve` starts; pusher-js makes them happen.
//
//   node webhooks.mjs PUSHEST

import { spawn } from "node:child_process";
import { createServer } from "node:http";

import { PATIENCE_MS, Pusher, PusherClient, equal, firstLine, unencrypted } from "./common.mjs";

const [pushest] = process.argv.slice(2);
const app = (secret) => new Pusher({ appId: "1", key: "app-key", secret, host: "127.0.0.1" });
const [ours, strangers] = [app("app-secret"), app("guessed")];

/** The events so far, and who waits for more. */
const events = [];
let tell = () => {};
let refusals = 1;
const backend = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const rawBody = Buffer.concat(chunks).toString();
    const given = { headers: request.headers, rawBody };
    const webhook = ours.webhook(given);
    if (!webhook.isValid() || strangers.webhook(given).isValid()) {
      throw new Error(`not the signature of ${rawBody}`);
    }
    if (Math.abs(webhook.getTime() - Date.now()) > 60_000) throw new Error("not of this time");
    if (refusals > 0) {
      refusals -= 1;
      response.writeHead(500).end();
      return;
    }
    events.push(...webhook.getEvents());
    response.end();
    tell();
  });
});
await new Promise((resolve) => backend.listen(0, "127.0.0.1", resolve));
const webhooks = `http://127.0.0.1:${backend.address().port}/webhooks`;

/** The next event of this name. */
async function event(name) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const place = events.findIndex((event) => event.name === name);
    if (place >= 0) return events.splice(place, 1)[0];
    await new Promise((resolve, reject) => {
      const late = () => reject(new Error(`no ${name}; there are ${JSON.stringify(events)}`));
      const timer = setTimeout(late, deadline - Date.now());
      tell = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

const options = ["serve", "--port", "0", "--json", "--webhooks", webhooks];
const child = spawn(pushest, options, { stdio: ["ignore", "pipe", "inherit"] });
try {
  const { port } = JSON.parse(await firstLine(child));
  const connect = (user) => new PusherClient("app-key", unencrypted("127.0.0.1", port, {
    channelAuthorization: {
      customHandler: ({ channelName, socketId }, answer) =>
        answer(null, ours.authorizeChannel(socketId, channelName, { user_id: user })),
    },
  }));
  const ada = connect("ada");
  const room = ada.subscribe("presence-room");
  await new Promise((resolve) => room.bind("pusher:subscription_succeeded", resolve));
  equal((await event("channel_occupied")).channel, "presence-room", "channel_occupied, at the second attempt");
  equal((await event("member_added")).user_id, "ada", "member_added");
  room.trigger("client-typing", { keys: 3 });
  const typed = await event("client_event");
  const wanted = ["client-typing", "ada", ada.connection.socket_id, { keys: 3 }];
  equal([typed.event, typed.user_id, typed.socket_id, JSON.parse(typed.data)], wanted, "client_event");
  ada.subscribe("cache-weather");
  equal((await event("channel_occupied")).channel, "cache-weather", "channel_occupied");
  equal((await event("cache_miss")).channel, "cache-weather", "cache_miss");
  ada.disconnect();
  equal((await event("member_removed")).user_id, "ada", "member_removed");
  const vacated = [(await event("channel_vacated")).channel, (await event("channel_vacated")).channel];
  equal(vacated.sort(), ["cache-weather", "presence-room"], "channel_vacated");
} finally {
  child.kill();
  backend.close();
}
process.exit(0);
