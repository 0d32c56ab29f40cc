/**
 * Files that container runtimes keep for themselves. They may be missing, half written, replaced while they
 * are read, or made by someone who means no good: what is no use is null, and nothing throws.
 */

import { KernelError, listDirectory, readText } from "../../kernel/files.ts";

/** More than the largest of these files has; what is longer is not read to its end, and so is no JSON. */
const LIMIT_BYTES = 4 << 20;

/** A host's files below the place where its root directory is to be had: "", or "/host/proc/1/root". */
export class HostFiles {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  text(path: string): string | null {
    return orNull(() => readText(`${this.#root}${path}`, LIMIT_BYTES));
  }

  /** Any JSON value; null also stands for none. */
  json(path: string): unknown {
    const text = this.text(path);
    return text === null ? null : parseJson(text);
  }

  /** The names in a directory; none where it cannot be read. */
  list(path: string): string[] {
    return orNull(() => listDirectory(`${this.#root}${path}`)) ?? [];
  }

  /** A user's home directory: passwd(5). */
  homeOf(userId: number): string | null {
    for (const line of this.text("/etc/passwd")?.split("\n") ?? []) {
      const [, , uid, , , home] = line.split(":");
      if (uid === String(userId) && home?.startsWith("/")) return home === "/" ? "" : home;
    }
    return null;
  }
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof KernelError) return null;
    throw error;
  }
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** What stands in a JSON value under the keys, one within the other; null where there is nothing. */
export function at(value: unknown, ...keys: readonly string[]): unknown {
  for (const key of keys) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return null;
    value = (value as Record<string, unknown>)[key];
  }
  return value ?? null;
}

/** The text there; null where there is none, or an empty one. */
export function textAt(value: unknown, ...keys: readonly string[]): string | null {
  const text = at(value, ...keys);
  return typeof text === "string" && text !== "" ? text : null;
}

/** The elements there; none where it is no array. */
export function itemsAt(value: unknown, ...keys: readonly string[]): readonly unknown[] {
  const items = at(value, ...keys);
  return Array.isArray(items) ? items : [];
}

/** A text under a key of a TOML file: enough for the paths in the configuration of podman and its kin. */
export function tomlText(toml: string, key: string): string | null {
  const pattern = new RegExp(`^[ \\t]*${key}[ \\t]*=[ \\t]*(?:"([^"\\n]*)"|'([^'\\n]*)')`, "m");
  const [, double, single] = pattern.exec(toml) ?? [];
  return double || single || null;
}
