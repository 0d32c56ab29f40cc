/** The parts of a line of JSON that these tests look at; the whole is in schema/nethogs-1.schema.json. */

export interface JsonLine {
  readonly time: string;
  readonly unattributed: readonly JsonRow[];
  readonly total: JsonTraffic;
  /** A capture file counts as one. */
  readonly interfaces: readonly [JsonInterface];
}

export interface JsonTraffic {
  readonly sent_bytes: number;
  readonly received_bytes: number;
  readonly sent_total_bytes: number;
  readonly received_total_bytes: number;
}

export interface JsonRow extends JsonTraffic {
  readonly protocol: string;
  readonly reason: string;
  /** Present with --connections. */
  readonly flows?: readonly JsonFlow[];
}

export interface JsonFlow extends JsonTraffic {
  readonly protocol: string;
  readonly local_address: string | null;
  readonly local_port: number | null;
  readonly remote_address: string | null;
  readonly remote_port: number | null;
}

export interface JsonInterface {
  readonly packets: number;
  readonly bytes: number;
  readonly packets_total: number;
  readonly bytes_total: number;
}

export function parseLines(text: string): JsonLine[] {
  return text.trimEnd().split("\n").map((line) => JSON.parse(line));
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
