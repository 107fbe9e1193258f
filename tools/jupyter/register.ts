// The kernel in any Jupyter of the user, VS Code's too: `npm run kernel -- --install`, `--remove`.
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { commands } from "../commands.mjs";
import { at, python, shown } from "../setup/paths.mjs";
import { outputOf } from "../setup/processes.mjs";

const own = at(".venv", "share", "jupyter", "kernels", "tslab");

/** Registers the kernel of this folder for the user, or takes it away. */
export async function main(args: string[]): Promise<void> {
	const { install, name } = readOptions(args);
	const data = outputOf(python, ["-c", "from jupyter_core.paths import jupyter_data_dir as d; print(d())"]);
	if (!data) throw new Error(".venv has no Jupyter that starts: remove .venv and run npm run setup");
	const folder = join(data, "kernels", name);
	const registered = mainOf(folder);
	if (registered !== null && registered !== join(own, "main.cjs"))
		throw new Error(`${folder} is another kernel, of ${registered}: pass --name NAME, or remove that one first`);
	if (!install) return remove(folder, name);
	register(name);
	console.log(`The kernel ${name} is registered in ${folder}: Jupyter and VS Code list it as TypeScript.`);
	console.log(`It runs from ${shown(at())}: after moving or updating that folder, or Node, register it again.`);
}

function readOptions(args: string[]): { install: boolean; name: string } {
	const options = {
		install: { type: "boolean", default: false },
		remove: { type: "boolean", default: false },
		name: { type: "string", default: "tslab" },
	} as const;
	const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
	if (positionals.length > 0 || values.install === values.remove)
		throw new Error(`expected --install or --remove: ${commands.kernel.usage}`);
	// Jupyter's own rule.
	if (!/^[a-z0-9._-]+$/i.test(values.name))
		throw new Error(`--name ${values.name}: expected letters, digits, dots, dashes and underscores`);
	return { install: values.install, name: values.name };
}

/** The program of a registered kernel; null where none is registered. */
function mainOf(folder: string): string | null {
	const file = join(folder, "kernel.json");
	if (!existsSync(folder)) return null;
	try {
		const { argv } = JSON.parse(readFileSync(file, "utf8")) as { argv: string[] };
		return argv.find((part) => part.endsWith(".cjs")) ?? argv.join(" ");
	} catch {
		return "an unknown program";
	}
}

/** Lets Jupyter install a kernelspec whose paths do not depend on where it is. */
function register(name: string): void {
	const kernelspec = JSON.parse(readFileSync(join(own, "kernel.json"), "utf8"));
	// A program that is started from a desktop may not find the shell's Node.
	const argv = [process.execPath, join(own, "main.cjs"), "{connection_file}"];
	const folder = mkdtempSync(join(tmpdir(), "kernelspec-"));
	try {
		writeFileSync(join(folder, "kernel.json"), JSON.stringify({ ...kernelspec, argv }, null, 2));
		copyFileSync(join(own, "logo-svg.svg"), join(folder, "logo-svg.svg"));
		const args = ["-m", "jupyter", "kernelspec", "install", folder, "--user", "--replace", `--name=${name}`];
		if (outputOf(python, args) === null)
			throw new Error(`Jupyter cannot install the kernel: try ${python} ${args.join(" ")}`);
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

function remove(folder: string, name: string): void {
	if (!existsSync(folder)) throw new Error(`there is no kernel ${name} in ${folder}: nothing to remove`);
	rmSync(folder, { recursive: true });
	console.log(`The kernel ${name} is no longer registered.`);
}
