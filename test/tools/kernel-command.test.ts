// `npm run kernel`: the kernel in a Jupyter of the user.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { python } from "../../tools/setup/paths.mjs";
import { root, temporaryFolder } from "../helpers";

const data = temporaryFolder();
const env = { ...process.env, JUPYTER_DATA_DIR: data };
const spec = (name: string) => join(data, "kernels", name, "kernel.json");

function kernel(...args: string[]) {
	const options = { encoding: "utf8", env } as const;
	const { status, stdout, stderr } = spawnSync("node", [join(root, "tools", "cli.mjs"), "kernel", ...args], options);
	return { status, out: stdout + stderr };
}

/** Runs a cell in a kernel that is found as any Jupyter finds it, in another folder. */
const RUN = `
import sys
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name=sys.argv[1], cwd=sys.argv[2])
def show(message):
    print(message["content"].get("data", {}).get("text/plain", ""))
client.execute_interactive("const answer: number = 6 * 7; answer", output_hook=show)
client.stop_channels()
manager.shutdown_kernel()
`;

test("registers the kernel, which runs in any folder; takes it away again", () => {
	const { status, out } = kernel("--install", "--name", "own-tslab");
	assert.equal(status, 0, out);
	const { argv, language, interrupt_mode } = JSON.parse(readFileSync(spec("own-tslab"), "utf8"));
	assert.deepEqual([argv[0], language, interrupt_mode], [process.execPath, "typescript", "message"]);
	const args = ["-c", RUN, "own-tslab", temporaryFolder()];
	const ran = spawnSync(python, args, { encoding: "utf8", env: { ...env, PATH: "/usr/bin:/bin" } });
	assert.match(ran.stdout, /^42$/m, ran.stderr);
	assert.equal(kernel("--install", "--name", "own-tslab").status, 0, "again");
	assert.equal(kernel("--remove", "--name", "own-tslab").status, 0);
	assert.ok(!existsSync(spec("own-tslab")));
});

test("leaves another program's kernel alone, and says in one line what is wrong", () => {
	mkdirSync(join(data, "kernels", "tslab"), { recursive: true });
	const foreign = JSON.stringify({ argv: ["tslab", "kernel", "{connection_file}"], display_name: "TypeScript" });
	writeFileSync(spec("tslab"), foreign);
	for (const [args, message] of [
		[["--install"], /tslab is another kernel, of tslab kernel .*: pass --name NAME/],
		[["--remove"], /is another kernel/],
		[["--remove", "--name", "missing"], /there is no kernel missing in .*: nothing to remove/],
		[["--install", "--remove"], /expected --install or --remove/],
		[[], /expected --install or --remove/],
		[["--install", "--name", "a b"], /--name a b: expected letters, digits/],
	] as const) {
		const { status, out } = kernel(...args);
		assert.deepEqual([status, out.trim().split("\n").length], [1, 1], out);
		assert.match(out, message);
	}
	assert.equal(readFileSync(spec("tslab"), "utf8"), foreign);
});
