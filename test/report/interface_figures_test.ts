import assert from "node:assert/strict";
import type { Link } from "../../src/capture/source.ts";
import { LinkCount } from "../../src/flow/intake.ts";
import { GONE_NAME, InterfaceFigures } from "../../src/report/interface_figures.ts";
import { ethernetLink } from "../flow/links.ts";

function counted(frames: number, bytes: number): LinkCount {
  return Object.assign(new LinkCount(), { frames, bytes, receivedBytes: bytes });
}

/** So many links come one after another, have a frame of 100 bytes and go, each with the number of the one before. */
function comeAndGo(
  figures: InterfaceFigures,
  count: number,
  eth0: Link,
): ReturnType<InterfaceFigures["rows"]> {
  let rows: ReturnType<InterfaceFigures["rows"]> = [];
  for (let i = 0; i < count; i++) {
    const veth = ethernetLink(1, { name: `veth${i}` });
    rows = figures.rows([eth0, veth], [counted(1, 10), counted(1, 100)]);
    assert.deepEqual(rows.find(({ name }) => name === `veth${i}`)?.bytes, 100);
    assert.equal(
      rows.reduce((sum, { bytes }) => sum + bytes, 0),
      i === 0 ? 110 : 100,
      "of this interval alone",
    );
    assert.equal(rows.reduce((sum, { totalBytes }) => sum + totalBytes, 0), 10 + 100 * (i + 1));
    figures.forget(veth, counted(1, 100));
    veth.isForgotten = true;
  }
  return rows;
}

Deno.test("InterfaceFigures.forget() keeps what links counted, and has an end to their names", () => {
  const figures = new InterfaceFigures();
  const eth0 = ethernetLink(0);
  comeAndGo(figures, 500, eth0);
  const rows = figures.rows([eth0], [counted(1, 10)]);
  assert.equal(rows.length, 1 + 64);
  assert.equal(rows.find(({ name }) => name === GONE_NAME)?.totalBytes, 100 * (500 - 63));
  assert(rows.every(({ bytes, packets }) => bytes === 0 && packets === 0), "nothing passed in this interval");
});

Deno.test("InterfaceFigures.forget() has an interface that comes again go on counting", () => {
  const figures = new InterfaceFigures();
  const first = ethernetLink(0, { name: "veth0" });
  figures.rows([first], [counted(2, 200)]);
  figures.forget(first, counted(2, 200));
  const again = ethernetLink(0, { name: "veth0" });
  const [row] = figures.rows([again], [counted(1, 50)]);
  assert.deepEqual([row?.bytes, row?.totalBytes, row?.totalPackets], [50, 250, 3]);
});

Deno.test("InterfaceFigures.forget() takes nothing from the interval of an interface whose earlier time is summed up", () => {
  const figures = new InterfaceFigures();
  const eth0 = ethernetLink(0, { name: "veth7" });
  comeAndGo(figures, 200, eth0);
  const rows = figures.rows([eth0], [counted(1, 10)]);
  assert(rows.every(({ bytes }) => bytes === 0), JSON.stringify(rows.filter(({ bytes }) => bytes !== 0)));
});
