/**
 * Traffic of a known size, made by a process of its own: run by a copy of Deno under another name, so that
 * it can be told from all others in a report.
 *
 * The task is the one argument, as JSON. A line on standard output says when the process is ready, and on
 * which port; a line on standard input, the port of the other end, lets it begin, and it says so once its datagrams
 * have a destination; when all is sent (and, with TCP, received) it says what it sent. It lives on until its standard
 * input ends, so that the test decides when its sockets are closed.
 */

import { createSocket, type Socket } from "node:dgram";
import { ConnectedSocket } from "./connected_socket.ts";

export type Task = TcpTask | UdpTask | EchoTask;

/** Both ends send and receive at once. */
export interface TcpTask {
  readonly role: "tcp-client" | "tcp-server";
  /** The server's own address; for the client, the one it connects to. */
  readonly address: string;
  /** The server's; any that is free, when left out. */
  readonly port?: number;
  readonly sendBytes: number;
  readonly receiveBytes: number;
}

/** Sends datagrams; what comes in is left in the socket. */
export interface UdpTask {
  readonly role: "udp";
  readonly address: string;
  readonly remoteAddress: string;
  /** Its own; any that is free, when left out. For sockets that are not connected. */
  readonly port?: number;
  /** connect(2) the socket, and so let the kernel know the other end. */
  readonly isConnected: boolean;
  readonly datagrams: number;
  /** Bytes of payload in each. */
  readonly size: number;
  /** Spread over time; as fast as it goes otherwise. */
  readonly datagramsPerSecond?: number;
}

/** Sends each datagram back to where it came from, so many times, until its standard input ends. */
export interface EchoTask {
  readonly role: "udp-echo";
  readonly address: string;
  /** How many times, by port. */
  readonly times: Readonly<Record<string, number>>;
}

export type Message =
  | { readonly event: "ready"; readonly port: number }
  | { readonly event: "begun" }
  | { readonly event: "done"; readonly sentBytes: number; readonly sentPackets: number };

const input = Deno.stdin.readable.pipeThrough(new TextDecoderStream()).getReader();

function say(message: Message): void {
  console.log(JSON.stringify(message));
}

/** The port of the other end; `aim` is told before anybody knows that this end has begun. */
async function begun(port: number, aim: (remotePort: number) => void = () => {}): Promise<number> {
  say({ event: "ready", port });
  const { value } = await input.read();
  const remotePort = Number(value);
  aim(remotePort);
  say({ event: "begun" });
  return remotePort;
}

async function untilInputEnds(): Promise<void> {
  while (!(await input.read()).done);
}

const CHUNK = new Uint8Array(1 << 16);

async function send(connection: Deno.Conn, bytes: number): Promise<void> {
  for (let left = bytes; left > 0;) left -= await connection.write(CHUNK.subarray(0, left));
}

async function receive(connection: Deno.Conn, bytes: number): Promise<void> {
  const buffer = new Uint8Array(1 << 16);
  for (let left = bytes; left > 0;) {
    const count = await connection.read(buffer);
    if (count === null) throw new Error(`The connection ended ${left} bytes too early`);
    left -= count;
  }
}

async function connect({ role, address, port = 0 }: TcpTask): Promise<Deno.Conn> {
  if (role === "tcp-client") {
    return await Deno.connect({ hostname: address, port: await begun(0) });
  }
  const listener = Deno.listen({ hostname: address, port });
  await begun((listener.addr as Deno.NetAddr).port);
  const connection = await listener.accept();
  listener.close();
  return connection;
}

async function runTcp(task: TcpTask): Promise<void> {
  const connection = await connect(task);
  await Promise.all([send(connection, task.sendBytes), receive(connection, task.receiveBytes)]);
  say({ event: "done", sentBytes: task.sendBytes, sentPackets: 0 });
  await untilInputEnds();
  connection.close();
}

/** Calls `sendOne` so many times, each at its time; those that are late follow at once. */
async function paced({ datagrams, datagramsPerSecond }: UdpTask, sendOne: () => unknown): Promise<void> {
  const startMs = performance.now();
  for (let sent = 0; sent < datagrams; sent++) {
    if (datagramsPerSecond !== undefined) {
      const waitMs = startMs + (sent * 1000) / datagramsPerSecond - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
    await sendOne();
  }
}

async function bound(address: string, port: number): Promise<Socket> {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  await new Promise<void>((resolve) => socket.bind(port, address, resolve));
  return socket;
}

async function runUdp(task: UdpTask): Promise<void> {
  const socket = task.isConnected ? new ConnectedSocket(task.address) : await UnconnectedSocket.open(task);
  await begun(socket.port, (remotePort) => socket.remote(task.remoteAddress, remotePort));
  const payload = new Uint8Array(task.size);
  await paced(task, () => socket.send(payload));
  say({ event: "done", sentBytes: task.datagrams * task.size, sentPackets: task.datagrams });
  await untilInputEnds();
  socket.close();
}

class UnconnectedSocket {
  readonly #socket: Socket;
  #address = "";
  #port = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async open(task: UdpTask): Promise<UnconnectedSocket> {
    return new UnconnectedSocket(await bound(task.address, task.port ?? 0));
  }

  get port(): number {
    return this.#socket.address().port;
  }

  remote(address: string, port: number): void {
    this.#address = address;
    this.#port = port;
  }

  send(payload: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) =>
      this.#socket.send(payload, this.#port, this.#address, (error) => error ? reject(error) : resolve())
    );
  }

  close(): void {
    this.#socket.close();
  }
}

async function runEcho({ address, times }: EchoTask): Promise<void> {
  const sockets = await Promise.all(
    Object.entries(times).map(async ([port, count]) => {
      const socket = await bound(address, Number(port));
      return socket.on("message", (message, from) => {
        for (let i = 0; i < count; i++) socket.send(message, from.port, from.address);
      });
    }),
  );
  say({ event: "ready", port: 0 });
  await untilInputEnds();
  for (const socket of sockets) socket.close();
}

if (import.meta.main) {
  const task: Task = JSON.parse(Deno.args[0]!);
  switch (task.role) {
    case "tcp-client":
    case "tcp-server":
      await runTcp(task);
      break;
    case "udp":
      await runUdp(task);
      break;
    case "udp-echo":
      await runEcho(task);
  }
  Deno.exit(0);
}
