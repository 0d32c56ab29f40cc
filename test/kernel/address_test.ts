import assert from "node:assert/strict";
import { isIP } from "node:net";
import fc from "fast-check";
import {
  AddressSet,
  addressText,
  equalAddresses,
  isLoopback,
  isMulticast,
  isUnspecified,
  isV4,
  parseAddress,
  wordsOfBytes,
} from "../../src/kernel/address.ts";

function words(text: string): Uint32Array {
  const parsed = parseAddress(text);
  assert(parsed, text);
  return parsed;
}

/** Zeros are common in addresses, and they are what the text form is about. */
const anyGroup = fc.oneof(fc.constant(0), fc.constant(0), fc.nat(0xffff));
const anyV6 = fc.array(anyGroup, { minLength: 8, maxLength: 8 }).map((groups) =>
  Uint32Array.from({ length: 4 }, (_, i) => (groups[2 * i]! << 16) | groups[2 * i + 1]!)
).filter((address) => !isV4(address));
const anyV4 = fc.nat(0xffffffff).map((low) => Uint32Array.of(0, 0, 0xffff, low));
const anyAddress = fc.oneof(anyV6, anyV4);

function fullText(address: Uint32Array): string {
  return [...address].map((word) =>
    `${(word >>> 16).toString(16).padStart(4, "0")}:${(word & 0xffff).toString(16).padStart(4, "0")}`
  ).join(":");
}

Deno.test("addressText() follows the examples of RFC 5952", () => {
  const examples = [
    ["2001:db8:0:0:0:0:0:1", "2001:db8::1"],
    ["2001:0db8::0001", "2001:db8::1"],
    ["2001:db8:0:0:0:0:2:1", "2001:db8::2:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:DB8:AAAA:BBBB:CCCC:DDDD:EEEE:AAAA", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:aaaa"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["fe80:0:0:0:0:0:0:0", "fe80::"],
    ["0:0:0:1:0:0:0:0", "0:0:0:1::"],
    ["0:0:0:0:0:0:102:304", "::102:304"],
  ];
  for (const [given, expected] of examples) assert.equal(addressText(words(given!)), expected);
});

Deno.test("addressText() writes IPv4 addresses with dots, from whichever form they came", () => {
  for (const text of ["192.0.2.1", "0.0.0.0", "255.255.255.255", "127.0.0.1", "128.0.0.0"]) {
    assert.equal(addressText(words(text)), text);
    assert.equal(addressText(words(`::ffff:${text}`)), text);
  }
  assert.equal(addressText(words("::ffff:c000:201")), "192.0.2.1");
});

Deno.test("addressText() shortens IPv6 addresses as browsers do", () => {
  fc.assert(
    fc.property(anyV6, (address) => {
      const { hostname } = new URL(`http://[${fullText(address)}]/`);
      assert.equal(`[${addressText(address)}]`, hostname);
    }),
    { seed: 1, numRuns: 2000 },
  );
});

Deno.test("addressText() reads the address at an offset", () => {
  const two = Uint32Array.of(...words("192.0.2.1"), ...words("2001:db8::1"));
  assert.equal(addressText(two, 4), "2001:db8::1");
  assert.equal(addressText(two), "192.0.2.1");
});

Deno.test("parseAddress() reads back what addressText() writes", () => {
  fc.assert(
    fc.property(anyAddress, (address) => {
      assert.deepEqual(parseAddress(addressText(address)), address);
      assert.deepEqual(parseAddress(fullText(address).toUpperCase()), address);
    }),
    { seed: 1, numRuns: 2000 },
  );
});

Deno.test("parseAddress() reads an IPv4 address at the end of an IPv6 one", () => {
  assert.deepEqual(words("64:ff9b::192.0.2.33"), Uint32Array.of(0x64ff9b, 0, 0, 0xc0000221));
  assert.deepEqual(words("1:2:3:4:5:6:7.8.9.10"), Uint32Array.of(0x10002, 0x30004, 0x50006, 0x0708090a));
  assert.deepEqual(words("::255.255.255.255"), Uint32Array.of(0, 0, 0, 0xffffffff));
});

Deno.test("parseAddress() refuses what is no address", () => {
  const texts = [
    "",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "12345::",
    "g::",
    "::1%eth0",
    " ::1",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "1.2.3.-4",
    "1.2.3.",
    "1.2.3.4:80",
    "::1.2.3",
    "::1.2.3.4:5",
    "1:2:3:4:5:6:7:1.2.3.4",
    "eth0",
    "0x7f.0.0.1",
  ];
  for (const text of texts) assert.equal(parseAddress(text), null, JSON.stringify(text));
});

Deno.test("parseAddress() takes what node:net takes", () => {
  const anyText = fc.array(fc.constantFrom(..."0123456789af::::..."), { maxLength: 18 })
    .map((characters) => characters.join(""));
  const nearlyAddress = fc.tuple(anyAddress, fc.nat(40), fc.constantFrom("", ":", "::", ".", "0", "f"))
    .map(([address, at, extra]) => {
      const text = addressText(address);
      return text.slice(0, at) + extra + text.slice(at + 1);
    });
  fc.assert(
    fc.property(fc.oneof(anyText, nearlyAddress), (text) => {
      // Zeros before a decimal number are octal to some and refused by others: nobody's business here.
      fc.pre(!/(^|[.:])0\d+[.]|\.0\d/.test(text));
      assert.equal(parseAddress(text) !== null, isIP(text) !== 0, text);
    }),
    { seed: 1, numRuns: 5000 },
  );
});

Deno.test("wordsOfBytes() reads addresses of 4 and of 16 bytes in network order", () => {
  const bytes = Uint8Array.of(9, 192, 0, 2, 1, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0, 0, 1);
  const view = new DataView(bytes.buffer);
  assert.equal(addressText(wordsOfBytes(view, 1, 4)), "192.0.2.1");
  assert.equal(addressText(wordsOfBytes(view, 5, 16)), "2001:db8::ff00:1");
});

Deno.test("isMulticast() knows groups and the broadcast address of both families", () => {
  for (const text of ["224.0.0.1", "239.255.255.255", "255.255.255.255", "ff02::1", "ff00::"]) {
    assert(isMulticast(words(text)), text);
  }
  for (
    const text of ["223.255.255.255", "240.0.0.1", "192.0.2.255", "255.255.255.254", "fe80::1", "::ff02"]
  ) {
    assert(!isMulticast(words(text)), text);
  }
});

Deno.test("isLoopback() knows 127.0.0.0/8 and ::1", () => {
  for (const text of ["127.0.0.1", "127.255.255.254", "::1"]) assert(isLoopback(words(text)), text);
  for (const text of ["126.255.255.255", "128.0.0.1", "::", "::2", "1::1", "::127.0.0.1"]) {
    assert(!isLoopback(words(text)), text);
  }
});

Deno.test("isUnspecified() knows 0.0.0.0 and ::", () => {
  for (const text of ["0.0.0.0", "::"]) assert(isUnspecified(words(text)), text);
  for (const text of ["0.0.0.1", "::1", "1::", "0:0:1::", "::1:0:0"]) {
    assert(!isUnspecified(words(text)), text);
  }
});

Deno.test("isLoopback(), isMulticast() and isUnspecified() look at the offset alone", () => {
  const three = Uint32Array.of(...words("127.0.0.1"), ...words("ff02::1"), ...words("0.0.0.0"));
  assert.deepEqual([0, 4, 8].map((at) => isLoopback(three, at)), [true, false, false]);
  assert.deepEqual([0, 4, 8].map((at) => isMulticast(three, at)), [false, true, false]);
  assert.deepEqual([0, 4, 8].map((at) => isUnspecified(three, at)), [false, false, true]);
});

Deno.test("equalAddresses() compares all four words", () => {
  fc.assert(
    fc.property(anyAddress, fc.nat(3), fc.integer({ min: 1, max: 0xffffffff }), (address, at, difference) => {
      const other = address.slice();
      assert(equalAddresses(address, 0, other, 0));
      other[at]! ^= difference;
      assert(!equalAddresses(address, 0, other, 0));
    }),
    { seed: 1 },
  );
});

Deno.test("AddressSet has what was added, and nothing else", () => {
  // Few different words, so that many addresses share the word that the set looks at first.
  const anyOfFew = fc.array(fc.constantFrom(0, 1, 0x7f000001, 0xffff, 0xffffffff), {
    minLength: 4,
    maxLength: 4,
  })
    .map((parts) => Uint32Array.from(parts));
  fc.assert(
    fc.property(fc.array(anyOfFew), fc.array(anyOfFew), (added, asked) => {
      const set = new AddressSet();
      for (const address of added) set.add(address);
      const texts = new Set(added.map(fullText));
      for (const address of [...added, ...asked]) {
        assert.equal(set.has(address), texts.has(fullText(address)));
        assert.equal(set.has(Uint32Array.of(7, ...address), 1), texts.has(fullText(address)));
      }
      set.clear();
      for (const address of added) assert(!set.has(address));
    }),
    { seed: 1, numRuns: 300 },
  );
});
