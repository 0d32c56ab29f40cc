/** From captured frames to the table: a thousand of them, by the shortcut and by the long way. */

import { Direction, NO_BOUNDARY } from "../../src/capture/source.ts";
import { Intake } from "../../src/flow/intake.ts";
import { FlowTable } from "../../src/flow/table.ts";
import { AddressSet } from "../../src/kernel/address.ts";
import { batchOf, onEthernet, udpPacket } from "../flow/frames.ts";
import { ethernetLink } from "../flow/links.ts";

const FRAMES = 1000;

/** Frames of so many conversations in turn, all of which are known after the first batch. */
function benchIntake(name: string, source: string, destination: string, conversations: number): void {
  const frames = Array.from({ length: FRAMES }, (_, i) => ({
    bytes: onEthernet(udpPacket([source, 1024 + (i % conversations)], [destination, 53])),
  }));
  const batch = batchOf(frames, Direction.SENT);
  const { bytes } = batch;
  const link = ethernetLink();
  const intake = new Intake(new FlowTable(), new AddressSet());
  Deno.bench({
    name,
    group: "Intake.take(), 1000 frames",
    fn: () => {
      batch.fill(bytes, FRAMES);
      intake.take(link, batch, NO_BOUNDARY);
    },
  });
}

benchIntake("IPv4, 1 conversation", "192.0.2.1", "198.51.100.7", 1);
benchIntake("IPv4, 1000 conversations", "192.0.2.1", "198.51.100.7", 1000);
benchIntake("IPv6, 1 conversation", "2001:db8::1", "2001:db8::7", 1);
benchIntake("IPv6, 1000 conversations", "2001:db8::1", "2001:db8::7", 1000);
