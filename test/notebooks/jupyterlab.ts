// JupyterLab on a copy of the project, for tests that look at its pages. SCREENSHOTS=folder keeps screenshots of them.
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { makeSampleDataset } from "../../tools/data/sample-dataset";
import { root } from "../helpers";
import { until } from "../processes";
import { freePort } from "../servers";

/** What Jupyter's server says of a notebook that is open. */
export type Session = { id: string; path: string; kernel: { execution_state: string; connections: number } };

/** A server of JupyterLab. */
export interface Lab {
	address: string;
	server: ChildProcess;
	sessions(): Promise<Session[]>;
	stop(): void;
}

/** Makes a folder a project with a sample data set, to whose `notebooks` tests add their own. */
export async function makeProject(work: string, counts: Parameters<typeof makeSampleDataset>[1]): Promise<void> {
	mkdirSync(join(work, "notebooks"));
	for (const name of ["src", "package.json"]) cpSync(join(root, name), join(work, name), { recursive: true });
	symlinkSync(join(root, "node_modules"), join(work, "node_modules"));
	await makeSampleDataset(join(work, "dataset"), counts);
	// Cells outside the window are in the page too.
	const settings = join(work, "config", "lab", "user-settings", "@jupyterlab", "notebook-extension");
	mkdirSync(settings, { recursive: true });
	writeFileSync(join(settings, "tracker.jupyterlab-settings"), '{ "windowingMode": "none" }');
}

/** Starts JupyterLab in a project, and waits until it answers. */
export async function startLab(work: string, ...more: string[]): Promise<Lab> {
	const port = await freePort();
	const flags = ["--no-browser", "--IdentityProvider.token=t", `--ServerApp.root_dir=${work}`, ...more];
	const server = spawn("node", [join(root, "tools", "cli.mjs"), "lab", ...flags, `--port=${port}`], {
		env: { ...process.env, JUPYTER_CONFIG_DIR: join(work, "config") },
		stdio: "ignore",
		detached: true,
	});
	const address = `http://127.0.0.1:${port}`;
	const lab: Lab = {
		...{ address, server },
		sessions: async () => (await fetch(`${address}/api/sessions?token=t`).then((reply) => reply.json())) as Session[],
		stop() {
			if (server.pid && server.exitCode === null) process.kill(-server.pid, "SIGTERM");
		},
	};
	const answers = () =>
		fetch(`${address}/api?token=t`).then(
			({ ok }) => ok,
			() => false,
		);
	try {
		// Other test files run at the same time.
		await until("JupyterLab answers", answers, 180);
	} catch (error) {
		lab.stop();
		throw error;
	}
	return lab;
}

/** Opens a notebook in a page, and waits until its kernel does nothing. */
export async function openNotebook(page: Page, { address, sessions }: Lab, name: string): Promise<Page> {
	await page.goto(`${address}/lab/tree/notebooks/${name}.ipynb?token=t&reset`);
	await page.locator(".jp-NotebookPanel .jp-CodeCell").first().waitFor();
	await until("the kernel is there", async () => {
		const session = (await sessions()).find(({ path }) => path.endsWith(`${name}.ipynb`));
		return session !== undefined && session.kernel.execution_state === "idle" && session.kernel.connections > 0;
	});
	await page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").waitFor();
	return page;
}

/** Clicks through a menu. */
export async function menu(page: Page, ...items: string[]): Promise<void> {
	for (const item of items) await page.getByRole("menuitem", { name: item, exact: true }).first().click();
}

export async function screenshot(page: Page, name: string): Promise<void> {
	if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`) });
}
