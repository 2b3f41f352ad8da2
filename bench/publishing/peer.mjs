// npm's pusher, measured as our clients are: node peer.mjs --address HOST:PORT --events N

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Agent } from "node:http";

const require = createRequire(new URL("../../pushest-testkit/official/", import.meta.url));
const Pusher = require("pusher");

const option = (name) => process.argv[process.argv.indexOf(`--${name}`) + 1];
const [host, port] = option("address").split(":");
const events = Number(option("events"));
const IN_FLIGHT = 16;

const pusher = new Pusher({
  appId: "1",
  key: "app-key",
  secret: "app-secret",
  host,
  port,
  useTLS: false,
  // Its connections are kept, too; without this it makes one for each event.
  agent: new Agent({ keepAlive: true, maxSockets: IN_FLIGHT }),
});

let begun = 0;
let marked;

function next() {
  const number = begun++;
  if (number === Math.floor(events / 10)) {
    marked = { cpu: process.cpuUsage(), wall: process.hrtime.bigint() };
  }
  return number < events ? number : undefined;
}

function data(number) {
  const begin = `{"id":${number},"text":"`;
  return `${begin}${"x".repeat(208 - begin.length - 2)}"}`;
}

async function publisher() {
  for (let number = next(); number !== undefined; number = next()) {
    const response = await pusher.trigger("orders", "shipped", data(number));
    if (response.status !== 200) throw new Error(`${response.status}`);
    await response.text();
  }
}

await Promise.all(Array.from({ length: IN_FLIGHT }, publisher));
const { user, system } = process.cpuUsage(marked.cpu);
const wall = Number(process.hrtime.bigint() - marked.wall);
const counted = events - Math.floor(events / 10);
const peak = readFileSync("/proc/self/status", "utf8").match(/VmHWM:\s+(\d+)/)[1];
console.log(JSON.stringify({
  events,
  cpu_ns: ((user + system) * 1000) / counted,
  wall_ns: wall / counted,
  memory_kib: Number(peak),
}));
