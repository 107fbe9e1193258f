import assert from "node:assert/strict";
import { test } from "node:test";
import { Handlers } from "../../tools/kernel/handlers";

test("a request that fails inside the kernel is answered, and names the error", async () => {
	const handlers = new Handlers(process.cwd(), () => {
		throw new RangeError("no compiler");
	});
	const request = { code: "a.b", cursor_pos: 3 };
	const reply = await handlers.handle("complete_request", request, () => {});
	const { status, ename, evalue } = reply as Record<string, unknown>;
	assert.deepEqual([status, ename, evalue], ["error", "RangeError", "no compiler"]);
});
