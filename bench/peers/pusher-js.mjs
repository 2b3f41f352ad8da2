// Receives a flood with pusher-js, and prints the books as `bench receive` does:
//
//   node pusher-js.mjs ADDRESS CHANNEL EVENT BEGIN END

import { createRequire } from "node:module";

const Pusher = createRequire(import.meta.url)("pusher-js");

const [address, channel, event, begin, end] = process.argv.slice(2);
const [host, port] = address.split(":");
const first = Number(begin);
const last = Number(end);
const FRAMES = 256; // after so many the numbers begin anew

const client = new Pusher("app-key", {
  cluster: "",
  wsHost: host,
  wsPort: Number(port),
  forceTLS: false,
  enabledTransports: ["ws"],
  enableStats: false,
});

let events = 0;
let outOfOrder = 0;
let wall;
let cpu;

client.subscribe(channel).bind(event, (data) => {
  if (data.n !== events % FRAMES) outOfOrder += 1;
  events += 1;
  if (events === first) {
    wall = process.hrtime.bigint();
    cpu = process.cpuUsage();
  } else if (events === last) {
    const spent = process.cpuUsage(cpu);
    console.log(JSON.stringify({
      events,
      out_of_order: outOfOrder,
      wall_ns: Number(process.hrtime.bigint() - wall),
      cpu_ns: (spent.user + spent.system) * 1000,
      peak_kib: process.resourceUsage().maxRSS,
    }));
    client.disconnect();
  }
});
