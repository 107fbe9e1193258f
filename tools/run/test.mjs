// `npm test`: style, types, and every test file; `npm test -- FILE…` runs only those files.
import { readdirSync } from "node:fs";
import { at, run, runInTerminal } from "../setup/processes.mjs";
import { setup } from "../setup/setup.mjs";

await run(async () => {
	await setup();
	const files = process.argv.slice(2);
	if (files.length === 0) {
		files.push(
			...readdirSync(at("test"), { recursive: true })
				.filter((name) => name.endsWith(".test.ts"))
				.map((name) => at("test", name)),
		);
		await must([at("node_modules", "@biomejs", "biome", "bin", "biome"), "check", "--error-on-warnings"]);
		await must([at("node_modules", "typescript", "bin", "tsc")]);
	}
	await must(["--import", "tsx", "--test", ...files]);
});

async function must(args) {
	const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: "2" };
	const code = await runInTerminal("node", args, { env });
	if (code !== 0) process.exit(code);
}
