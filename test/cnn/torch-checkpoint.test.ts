import assert from "node:assert/strict";
import { test } from "node:test";
import { readTorchCheckpoint } from "../../src/cnn/torch-checkpoint";
import { unpickle } from "../../src/cnn/unpickler";
import { fixture } from "../helpers";

type RecordedCheckpoint = { checkpoint: string; tensors: Record<string, { shape: number[]; values: number[] }> };
const { checkpoint, tensors } = fixture<RecordedCheckpoint>("torch-checkpoint");
const bytes = Buffer.from(checkpoint, "base64");

test("tensors of a checkpoint are PyTorch's, whatever their strides and offsets; integers are left out", () => {
	const { counter, ...floats } = tensors;
	const read = readTorchCheckpoint(bytes);
	assert.deepEqual([...read.keys()], Object.keys(floats));
	for (const [name, { shape, values }] of Object.entries(floats)) {
		assert.deepEqual(read.get(name)?.shape, shape, name);
		assert.deepEqual([...(read.get(name)?.values ?? [])], values.map(Math.fround), name);
	}
});

test("a checkpoint that ends early is an error, wherever it ends", () => {
	for (let length = 0; length < bytes.length; length += 7)
		assert.throws(
			() => readTorchCheckpoint(bytes.subarray(0, length)),
			/^Error: it is truncated: it ends at byte \d+$/,
		);
});

test("another file is an error", () => {
	// A pickled text, and the ZIP format of later versions.
	assert.throws(
		() => readTorchCheckpoint(Buffer.from("\x80\x02X\x01\x00\x00\x00aq\x00.", "latin1")),
		/no PyTorch checkpoint/,
	);
	assert.throws(() => readTorchCheckpoint(Buffer.from("PK\x03\x04", "latin1")), /pickle opcode 0x50 at byte 0/);
});

test("a pickle is never executed", () => {
	// pickle.dumps of an object whose __reduce__ is os.system("touch /tmp/executed")
	const attack = Buffer.from("\x80\x02cposix\nsystem\nq\x00X\x07\x00\x00\x00exit 99q\x01\x85q\x02Rq\x03.", "latin1");
	assert.throws(() => unpickle(attack, 0), /^Error: it calls posix system, which no weights need$/);
});
