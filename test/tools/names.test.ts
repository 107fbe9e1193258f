// Nasty names in every place that shows names, looked at in a real browser. SCREENSHOTS=folder keeps screenshots.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { parse } from "papaparse";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { confusionMatrixFigure, showFigure, showImages, showMarkdown, showTable } from "../../src/display";
import { printable } from "../../src/support/text";
import { writeComparison } from "../../tools/report/compare";
import { writeIndex } from "../../tools/report/index-page";
import { readRun } from "../../tools/report/run-record";
import { launchBrowser, noBrowser as skip } from "../browser";
import { root, temporaryFolder } from "../helpers";
import { nastyNames } from "../nasty-names";

let browser: Browser;
before(async () => {
	if (!skip) browser = await launchBrowser();
});
after(() => browser?.close());

/** Opens a page, and after `look` asserts that no script of a name ran and nothing was asked for. */
async function looksAt(file: string, look: (page: Page) => Promise<void>): Promise<void> {
	const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
	const events: string[] = [];
	page.on("request", (request) => events.push(`asks for ${request.url()}`));
	page.on("dialog", (dialog) => events.push(`shows a dialog ${dialog.message()}`));
	page.on("popup", () => events.push("opens a window"));
	page.on("pageerror", (error) => events.push(`throws ${error.stack}`));
	const url = pathToFileURL(file).href;
	await page.goto(url);
	if ((await page.locator("#plotly").count()) > 0) await page.locator(".js-plotly-plot").first().waitFor();
	// The figures' buttons and texts come when the mouse does.
	for (const figure of await page.locator(".js-plotly-plot").all()) await figure.hover();
	await look(page);
	assert.equal(await page.evaluate(() => (globalThis as { pwned?: number }).pwned), undefined, "a script ran");
	assert.deepEqual(
		events.filter((event) => event !== `asks for ${url}` && !/^asks for (data|blob):/.test(event)),
		[],
	);
	assert.deepEqual(await texts(page, "a[href^='javascript'], .modebar-btn[data-title*='hare']"), []);
	assert.equal(
		(await page.locator(".modebar-btn[data-title*='PNG'], .modebar-btn[data-title*='png']").count()) > 0,
		(await page.locator(".js-plotly-plot").count()) > 0,
	);
	await assertAccessible(page);
	if (process.env.SCREENSHOTS) await screenshots(page, file);
	await page.close();
}

/** Asserts what axe-core finds by WCAG 2 AA and good practice: contrasts, alternative texts, the order of headings. */
async function assertAccessible(page: Page): Promise<void> {
	await page.evaluate(readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));
	for (const colorScheme of ["light", "dark"] as const) {
		await page.emulateMedia({ colorScheme });
		const violations = await page.evaluate(async () => {
			const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
			const { violations } = await axe.run({ runOnly: ["wcag2a", "wcag2aa", "best-practice"] });
			return violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 200)}`);
		});
		assert.deepEqual(violations, [], colorScheme);
	}
	assert.equal(
		await page.locator(".js-plotly-plot:not([role=figure][aria-label])").count(),
		0,
		"charts without a name",
	);
}

async function screenshots(page: Page, file: string): Promise<void> {
	const name = (look: string) => `${join(process.env.SCREENSHOTS as string, file.split("/").slice(-1)[0])}.${look}.png`;
	await page.screenshot({ path: name("wide"), fullPage: true });
	await page.setViewportSize({ width: 400, height: 900 });
	await page.screenshot({ path: name("narrow"), fullPage: true });
	await page.emulateMedia({ colorScheme: "dark" });
	await page.screenshot({ path: name("dark") });
}

const texts = (page: Page, selector: string) =>
	page.locator(selector).evaluateAll((all) => all.map((node) => node.textContent ?? ""));
const assertAll = (shown: string[], names: string[], where: string) => {
	const found = new Set(shown);
	assert.deepEqual(
		names.filter((name) => !found.has(name)),
		[],
		where,
	);
};
/** How a page shows a name: control characters escaped, but line breaks and tabs as they are. */
const inHtml = (name: string) => name.replace(/[^\n\t]+/g, printable);

describe("200 nasty names", { skip }, () => {
	const work = temporaryFolder();

	/** The page of a notebook whose outputs are what `show` shows. */
	async function pageOf(name: string, show: () => unknown): Promise<string> {
		const kernel = Symbol.for("tslab.kernel");
		const outputs: object[] = [];
		const publish = (_: string, { data }: { data: object }) =>
			outputs.push({ output_type: "display_data", data, metadata: {} });
		Object.assign(globalThis, { [kernel]: { current: () => ({ publish }) } });
		await show();
		Object.assign(globalThis, { [kernel]: undefined });
		const cells = [{ cell_type: "code", execution_count: 1, metadata: {}, source: "", outputs }];
		const file = join(work, `${name}.ipynb`);
		writeFileSync(file, JSON.stringify({ cells, metadata: {}, nbformat: 4, nbformat_minor: 4 }));
		const config = join(root, "tools", "jupyter", "jupyter_server_config.py");
		const args = ["-m", "nbconvert", "--config", config, "--to", "html", file];
		const { status, stderr } = spawnSync(join(root, ".venv", "bin", "python"), args, { encoding: "utf8" });
		assert.equal(status, 0, stderr);
		return join(work, `${name}.html`);
	}

	test("in tables, captions and Markdown of notebooks", async () => {
		const file = await pageOf("texts", async () => {
			showTable(nastyNames.map((name, i) => ({ [name]: i })).slice(0, 20));
			showTable(
				nastyNames.map((name) => ({ name })),
				{ maxRows: nastyNames.length },
			);
			await showImages(nastyNames.map((caption) => ({ image: join(work, caption), caption })));
			for (const name of nastyNames) {
				showMarkdown`${name}`;
				showMarkdown`- The class *${name}* is in <code>${name}</code>, **${name}**: ${97.5} %`;
			}
			showMarkdown("# Still *Markdown*\n\n| a |\n|---|\n| **b** |");
		});
		await looksAt(file, async (page) => {
			assertAll(await texts(page, "th"), nastyNames.slice(0, 20).map(inHtml), "headers");
			assertAll(await texts(page, "td"), nastyNames.map(inHtml), "cells");
			assert.deepEqual(await texts(page, "figcaption"), nastyNames.map(inHtml));
			const shown = nastyNames.map(printable);
			assert.deepEqual(await texts(page, "[data-mime-type='text/markdown'] > p"), shown);
			for (const tag of ["li em", "li code", "li strong"]) assert.deepEqual(await texts(page, tag), shown);
			assert.deepEqual(
				await texts(page, "li"),
				shown.map((name) => `The class ${name} is in ${name}, ${name}: 97.5 %`),
			);
			assert.deepEqual(await texts(page, "h1 em, td strong"), ["Markdown", "b"]);
		});
	});

	test("in figures: ticks, legends, titles and what the mouse shows", async () => {
		const axis = { type: "category", dtick: 1 };
		const [title, x, y] = nastyNames;
		const file = await pageOf("figures", () => {
			showFigure({
				data: nastyNames.map((name) => ({ type: "bar", name, x: [name], y: [1] })),
				layout: {
					title: { text: title },
					xaxis: { ...axis, title: { text: x } },
					yaxis: { title: { text: y } },
					width: 4000,
					height: 3000,
				},
			});
			showFigure(
				confusionMatrixFigure(
					nastyNames.slice(0, 3).map(() => [1, 2, 3]),
					nastyNames.slice(0, 3),
				),
			);
			showFigure({ data: [], layout: { title: { text: "<b>bold</b><br>&amp;" } } }, { markup: true });
		});
		await looksAt(file, async (page) => {
			const shown = nastyNames.map(printable);
			const figure = page.locator(".js-plotly-plot").first();
			const textsOf = (selector: string) =>
				figure.locator(selector).evaluateAll((all) => all.map((node) => node.textContent ?? ""));
			assertAll(await textsOf(".xtick text"), shown, "ticks");
			assertAll(await textsOf(".legendtext"), shown, "legend");
			assert.deepEqual(await textsOf(".gtitle, .xtitle, .ytitle"), [title, x, y].map(printable));
			const some = shown
				.map((name, curveNumber) => ({ name, curveNumber }))
				.filter(({ curveNumber }) => curveNumber % 8 === 0);
			const hovered = await page.evaluate(`(async () => {
				const plot = document.querySelector(".js-plotly-plot");
				const names = [];
				for (const { curveNumber } of ${JSON.stringify(some)}) {
					Plotly.Fx.hover(plot, [{ curveNumber, pointNumber: 0 }]);
					// Plotly answers every 50 ms.
					await new Promise((done) => setTimeout(done, 80));
					names.push(plot.querySelector(".hovertext .name").textContent);
				}
				return names;
			})()`);
			assert.deepEqual(
				hovered,
				some.map(({ name }) => name),
			);
			assert.equal(
				await page.locator(".js-plotly-plot").last().locator(".gtitle tspan[style*='bold']").textContent(),
				"bold",
			);
		});
	});

	test("in figures where plotly is not: SVG", async () => {
		const images: string[] = [];
		const kernel = Symbol.for("tslab.kernel");
		const publish = (_: string, { data }: { data: Record<string, string> }) => images.push(data["image/svg+xml"]);
		Object.assign(globalThis, { [kernel]: { current: () => ({ publish }) } });
		showFigure({
			data: nastyNames.map((name) => ({ type: "bar", name, x: [name], y: [1], line: { color: '"><script>' } })),
		});
		Object.assign(globalThis, { [kernel]: undefined });
		assert.equal((await sharp(Buffer.from(images[0])).metadata()).format, "svg");
		const page = await browser.newPage();
		const [tags, shown] = (await page.evaluate(`
			const image = new DOMParser().parseFromString(${JSON.stringify(images[0])}, "image/svg+xml");
			[image.querySelectorAll("parsererror, script, img, [onload]").length,
				[...image.querySelectorAll("text")].map((text) => text.textContent)]`)) as [number, string[]];
		assert.equal(tags, 0);
		assertAll(shown, nastyNames.map(printable), "SVG");
		await page.close();
	});

	test("in the index and in the comparison of two runs", async () => {
		const [a, b] = [nastyNames.slice(0, 100), nastyNames.slice(100)];
		for (const names of [a, b]) {
			const scores = { precision: 0.5, recall: 1, f1: 0.25, support: 4 };
			const folder = join(work, names === a ? "a" : `b ${b[0]}`);
			mkdirSync(folder);
			const record = {
				date: "2025-03-01T10:00:00.000Z",
				dataset: names[1],
				classNames: names,
				counts: { train: 40, valid: 8, test: 8 },
				removed: 3,
				parameters: { text: names[2], [names[3]]: 1 },
				epochsRun: 1,
				history: { loss: [3], acc: [0.5], valLoss: [3.5], valAcc: [0.25] },
				test: { loss: null, accuracy: 0.75 },
				report: Object.fromEntries(names.map((name) => [name, scores])),
				confusionMatrix: names.slice(0, 9).map(() => names.map(() => 1)),
				verdict: [names[7], names[8]],
				seconds: { clean: 1, train: 20, evaluate: 2 },
				versions: { [names[4]]: names[5] },
				device: names[6],
			};
			writeFileSync(join(folder, "metrics.json"), JSON.stringify(record));
			const run = readRun(folder);
			writeIndex(folder, run);
			await looksAt(join(folder, "index.html"), async (page) => {
				const cells = await texts(page, "td");
				assertAll(await texts(page, "h2 + p, ul li"), [names[7], names[8]].map(inHtml), "verdict");
				assertAll(cells, [names[1], names.join(", "), names[6], `${names[4]} ${names[5]}`].map(inHtml), "index");
			});
		}
		const file = writeComparison([readRun(join(work, "a")), readRun(join(work, `b ${b[0]}`))], work);
		await looksAt(file, async (page) => {
			assertAll(await texts(page, ".side-by-side th"), nastyNames.map(inHtml), "comparison");
			assertAll(await texts(page, "h3"), [`B: ${printable(join(work, `b ${b[0]}`))}`], "headings");
		});
	});
});

describe("a whole run on nasty names", { skip }, () => {
	const work = temporaryFolder();
	const [dataset, artifacts, reports] = ["data", "artifacts", "reports {0} #1 %41 <i>"].map((name) => join(work, name));
	// As many classes as a table shows.
	const folders = nastyNames.filter((_, i) => i % 9 === 0).map((name) => `${name.slice(0, 60)}.c`);
	// A class is the same in both Unicode forms of its name.
	const classNames = folders.map((name) => name.normalize("NFC"));
	const others = nastyNames.map((name) => `${name}.jpg`);
	const run = (...args: string[]) =>
		spawnSync("node", [join(root, "tools", "cli.mjs"), ...args], {
			encoding: "utf8",
			cwd: root,
			env: { ...process.env, INIT_CWD: work },
		});
	let log: string;

	before(async () => {
		const files = others[Symbol.iterator]();
		for (const split of ["train", "valid", "test"]) {
			for (const [i, name] of folders.entries()) {
				mkdirSync(join(dataset, split, name), { recursive: true });
				const pixels = Uint8Array.from(
					{ length: 32 * 32 * 3 },
					(_, k) => (k * (i + 3) * 7919 + (k >> 3) * i * split.length) % 256,
				);
				const image = await sharp(pixels, { raw: { width: 32, height: 32, channels: 3 } })
					.jpeg()
					.toBuffer();
				writeFileSync(join(dataset, split, name, `${split}.jpg`), image);
				// All but the first names a damaged file each.
				for (let k = 0; k < 3; k++)
					writeFileSync(join(dataset, split, name, files.next().value ?? "more.jpg"), "no image");
			}
		}
		const places = ["--dataset", dataset, "--artifacts", artifacts, "--reports", reports];
		const { status, stdout, stderr } = run(
			"report",
			"01",
			"02",
			"05",
			...places,
			"--epochs",
			"1",
			"--image-size",
			"48",
		);
		log = stdout + stderr;
		assert.equal(status, 0, log);
	});

	test("each page shows them as they are written", async () => {
		const classes = classNames.map(inHtml);
		await looksAt(join(reports, "01-data-cleaning.html"), async (page) => {
			const captions = (await texts(page, "figcaption")).join("\n");
			const missing = others.slice(0, 3 * 3 * classNames.length).filter((name) => !captions.includes(inHtml(name)));
			assert.deepEqual(missing, []);
			assertAll(await texts(page, "td"), classes, "tables");
		});
		await looksAt(join(reports, "02-data-preprocessing.html"), async (page) => {
			assertAll(await texts(page, ".legendtext"), classNames.map(printable), "legend");
		});
		await looksAt(join(reports, "05-evaluation.html"), async (page) => {
			assertAll(await texts(page, "td"), classes, "classification report");
			const weakest = await texts(page, "li em");
			assert.deepEqual(
				weakest.filter((name) => !classNames.map(printable).includes(name)),
				[],
			);
			// The class of the lowest recall, and the positive class.
			assert.equal(weakest.length, 2);
		});
		await looksAt(join(reports, "index.html"), async (page) => {
			assertAll(await texts(page, "td"), [inHtml([...classNames].sort().join(", "))], "index");
			assert.equal(await page.locator("ol a").count(), 3);
		});
	});

	test("commands print none of their control characters", () => {
		const { stdout, stderr, status } = run("predict", join(dataset, "test"), "--artifacts", artifacts);
		assert.equal(status, 0, stderr);
		assert.doesNotMatch(log + stdout + stderr, /(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u);
		assert.equal(stdout.trim().split("\n").length, classNames.length);
	});

	test("no name is a formula in the CSV, and each reads as it was", () => {
		const { stdout } = run("predict", dataset, "--artifacts", artifacts, "--format", "csv");
		const { data } = parse<string[]>(stdout.trimEnd());
		const fields = data.flat();
		assert.deepEqual(
			fields.filter((field) => /^[=+\-@\t\r\n]/.test(field)),
			[],
		);
		const read = fields.map((field) => field.replace(/^'(?='*[=+\-@＝＋－＠\t\r\n])/, ""));
		assertAll(read, classNames, "CSV");
	});
});
