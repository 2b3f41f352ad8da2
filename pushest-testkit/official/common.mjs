// What the scripts share: the official libraries as npm has them, the server to test against, waiting, and
// the lines that say what was found.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(import.meta.url);
export const Pusher = require("pusher");
export const PusherClient = require("pusher-js");

export const PATIENCE_MS = 20_000;

/** The server in PUSHEST_TEST_URL, with app id 1; and what a `Pusher` for it is made of. */
export function testServer() {
  const url = new URL(process.env.PUSHEST_TEST_URL);
  const [key, secret, host, port] = [url.username, url.password, url.hostname, url.port];
  return { url, options: { appId: "1", key, secret, host, port, useTLS: false } };
}

/** What a pusher-js client for a server without TLS is made of, and more options. */
export const unencrypted = (host, port, more) => ({
  cluster: "",
  wsHost: host,
  wsPort: Number(port),
  forceTLS: false,
  enabledTransports: ["ws"],
  enableStats: false,
  ...more,
});

/** Waits for a promise, and not for ever. */
export function within(what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} in time`)), PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Waits for an event of pusher-js; answers with its data. */
export const once = (source, name) =>
  within(name, new Promise((resolve) => source.bind(name, (data) => resolve(data))));

/** Answers with the first line that a program prints. */
export async function firstLine(child) {
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error(`${child.spawnfile} printed nothing`);
}

export function equal(found, wanted, what) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`${what}: ${a}, not ${b}`);
  console.log(`ok    ${what}`);
}
