// The exported page in a headless browser: time to the first prediction, and images a second, by backend.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { filesIn, isImageFile } from "../../src/images/folders";
import { findBrowser } from "../report/print-pdf";
import { trainedModel } from "../run/trained-model";
import { at } from "../setup/paths.mjs";

/** Without a graphics card WebGPU and WebGL are emulated, so that only the last two say what a person sees. */
const BACKENDS = ["webgpu", "webgl", "wasm", "cpu"];

export async function benchPage(dataset: string, _: number, { quick }: { quick: boolean }): Promise<void> {
	const folder = mkdtempSync(join(tmpdir(), "page-"));
	const images = [...filesIn(join(dataset, "valid"))].filter(isImageFile).slice(0, quick ? 20 : 200);
	const executablePath = execFileSync("which", [findBrowser()], { encoding: "utf8" }).trim();
	const args = ["--no-sandbox", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];
	const browser = await chromium.launch({ executablePath, args });
	try {
		const { model, record, temperature } = await trainedModel(at("artifacts"));
		const { exportModel } = require("../../src/export") as typeof import("../../src/export");
		const metadata = { classNames: record.classNames, temperature };
		const path = await exportModel(model, folder, { format: "web", metadata });
		for (const backend of BACKENDS) {
			const page = await browser.newPage();
			const started = performance.now();
			await page.goto(`file://${path}#backend=${backend}`);
			await page.locator("#files").setInputFiles(images[0]);
			await page.locator("tbody tr").waitFor();
			const first = performance.now() - started;
			const next = performance.now();
			await page.locator("#files").setInputFiles(images.slice(1));
			await page.locator(`tbody tr:nth-child(${images.length})`).waitFor({ state: "attached", timeout: 600_000 });
			const perSecond = (1000 * (images.length - 1)) / (performance.now() - next);
			console.log(
				`${backend.padEnd(8)} first prediction after ${first.toFixed(0)} ms, ${perSecond.toFixed(0)} images/s`,
			);
			await page.close();
		}
	} finally {
		await browser.close();
		rmSync(folder, { recursive: true });
	}
}
