import assert from "node:assert/strict";
import { answerWithAll } from "../../src/sockets/listed_socket.ts";
import { SocketAnswer } from "../../src/sockets/socket_table.ts";

Deno.test("SocketAnswer.inode is the first, and when it is set the only one", () => {
  const answer = new SocketAnswer();
  assert.deepEqual([answer.inode, answer.inodes], [0, [0]]);
  answer.inodes.push(8, 9);
  answer.inode = 7;
  assert.deepEqual([answer.inode, answer.inodes], [7, [7]]);
});

Deno.test("answerWithAll() names each socket once, and leaves the answer alone where there is none", () => {
  const answer = new SocketAnswer();
  const sockets = [{ inode: 5, uid: 1000 }, { inode: 3, uid: 0 }, { inode: 5, uid: 1000 }];
  assert(answerWithAll(sockets, true, answer));
  assert.deepEqual([answer.inode, answer.inodes, answer.uid, answer.isExact], [5, [5, 3], 1000, true]);
  assert(!answerWithAll([], false, answer));
  assert.deepEqual([answer.inodes, answer.isExact], [[5, 3], true]);
});
