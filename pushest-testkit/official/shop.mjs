// The service of the page "A shop's service" between the official libraries, as a Laravel shop would have
// it: npm's pusher places orders on a private channel, the service consumes them and says on a public one
// what is left, and pusher-js hears it, authorized by the service. The server is the one in
// PUSHEST_TEST_URL, with app id 1.
//
//   node shop.mjs SHOP      SHOP: the example of the package `guides`

import { spawn } from "node:child_process";

import { PATIENCE_MS, Pusher, PusherClient, equal, firstLine, once, testServer, unencrypted, within } from "./common.mjs";

const [program] = process.argv.slice(2);
const { options: app } = testServer();
const { key, secret, host, port } = app;
const php = new Pusher(app);

/** A browser whose user has this token. */
function browser(endpoint, token) {
  return new PusherClient(key, unencrypted(host, port, {
    channelAuthorization: {
      endpoint,
      transport: "ajax",
      headers: { Authorization: `Bearer ${token}` },
    },
  }));
}

/** Whether the browser may subscribe to a channel: 200, or the status of the refusal. */
async function subscribed(client, channel) {
  const subscription = client.subscribe(channel);
  const refused = new Promise((resolve) =>
    subscription.bind("pusher:subscription_error", (error) => resolve(error.status)));
  const done = once(subscription, "pusher:subscription_succeeded").then(() => 200);
  done.catch(() => {});
  return within(channel, Promise.race([done, refused]));
}

const shop = spawn(program, [], {
  env: { ...process.env, PUSHER_URL: `http://${key}:${secret}@${host}:${port}/apps/1` },
  stdio: ["ignore", "pipe", "inherit"],
});
const clients = [];

const endpoint = await within("address of the shop", firstLine(shop));

try {
  const [staff, ada, eve] = ["staff-token", "ada-token", "nobodys-token"].map((token) => {
    const client = browser(endpoint, token);
    clients.push(client);
    return client;
  });
  await Promise.all(clients.map((client) => once(client.connection, "connected")));
  for (const [who, client, channel, status] of [
    ["staff", staff, "private-orders", 200],
    ["ada", ada, "private-App.Models.User.2", 200],
    ["ada", ada, "private-orders", 403],
    ["ada", ada, "private-App.Models.User.1", 403],
    ["eve", eve, "private-App.Models.User.2", 403],
    ["ada", ada, "stock", 200],
  ]) {
    equal(await subscribed(client, channel), status, `${who} asks for ${channel}: ${status}`);
  }

  // The service may still be on its way to the private channel.
  const there = async () => {
    const answer = await php.get({ path: "/channels/private-orders", params: { info: "subscription_count" } });
    return (await answer.json()).subscription_count >= 2;
  };
  const until = Date.now() + PATIENCE_MS;
  while (!(await there())) {
    if (Date.now() > until) throw new Error("the shop does not subscribe");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }

  const news = ada.channel("stock");
  const placed = once(staff.channel("private-orders"), "App\\Events\\OrderPlaced");
  for (const [amount, left] of [[3, 7], [1, 6]]) {
    const changed = once(news, "App\\Events\\StockChanged");
    await php.trigger("private-orders", "App\\Events\\OrderPlaced", { article: "tea", amount });
    equal(await changed, { article: "tea", left }, `${amount} are ordered: ${left} are left`);
    news.unbind("App\\Events\\StockChanged");
  }
  equal(await placed, { article: "tea", amount: 3 }, "staff hears the order itself");
  // It ends in order, as a service is stopped.
  const ended = within("end of the shop", new Promise((resolve) => shop.on("exit", resolve)));
  shop.kill("SIGINT");
  equal(await ended, 0, "the shop ends in order");
} finally {
  clients.forEach((client) => client.disconnect());
  shop.kill("SIGKILL");
}
