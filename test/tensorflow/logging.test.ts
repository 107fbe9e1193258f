// What TensorFlow writes to the terminal while it is loaded.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { root } from "../helpers";

/** Returns what a process that loads TensorFlow and then writes "end" has on its standard error stream. */
function loaded(env: Record<string, string>): string {
	const code = 'require("@tensorflow/tfjs-node-gpu").ones([1]).dataSync(); console.error("end")';
	const { status, stderr } = spawnSync(process.execPath, ["-e", code], {
		cwd: root,
		env: { ...process.env, ...env },
		encoding: "utf8",
	});
	assert.equal(status, 0, stderr);
	return stderr;
}

test("loading TensorFlow notes nothing at a log level above 0, and everything at 0", () => {
	assert.equal(loaded({ TF_CPP_MIN_LOG_LEVEL: "3", TF_ENABLE_ONEDNN_OPTS: "1" }), "end\n");
	if (process.arch !== "x64" || process.platform !== "linux") return;
	assert.match(loaded({ TF_CPP_MIN_LOG_LEVEL: "0", TF_ENABLE_ONEDNN_OPTS: "1" }), /oneDNN custom operations are on/);
});

test("what else is written meanwhile stays", { skip: process.platform !== "linux" || process.arch !== "x64" }, () => {
	const text = loaded({ TF_CPP_MIN_LOG_LEVEL: "3", TF_ENABLE_ONEDNN_OPTS: "perhaps" });
	assert.match(text, /TF_ENABLE_ONEDNN_OPTS is not set to either .*[\s\S]*end\n$/);
	assert.doesNotMatch(text, /oneDNN custom operations/);
});
