import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { before, describe, test } from "node:test";
import { writeIndex } from "../../tools/report/index-page";
import { writeRun } from "../../tools/report/run-record";
import { printed, root, runnerJob, temporaryFolder } from "../helpers";

const PLOTLY = "application/vnd.plotly.v1+json";
const python = join(root, ".venv", "bin", "python");

function runs(command: string, args: string[], options: object = {}) {
	const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: "utf8", ...options });
	return { status, out: `${stdout}${stderr}` };
}

const markdown = (source: string) => ({ cell_type: "markdown", metadata: {}, source });
const code = (source: string, tags: string[] = [], outputs: object[] = []) => ({
	cell_type: "code",
	execution_count: outputs.length ? 1 : null,
	metadata: { tags },
	outputs,
	source,
});
const output = (data: object, output_type = "display_data") => ({
	...(output_type === "execute_result" ? { execution_count: 1 } : {}),
	output_type,
	data,
	metadata: {},
});

function writeNotebook(file: string, cells: object[], metadata: object = {}): void {
	const kernel = {
		kernelspec: { name: "tslab", display_name: "TypeScript", language: "typescript" },
		language_info: { name: "typescript" },
	};
	writeFileSync(file, JSON.stringify({ cells, metadata: { ...kernel, ...metadata }, nbformat: 4, nbformat_minor: 4 }));
}

// A failing assert.match would print the page, which is 2 MB with plotly in it.
const has = (html: string, pattern: RegExp) => assert.ok(pattern.test(html), `the page lacks ${pattern}`);
const hasNo = (html: string, pattern: RegExp) => assert.ok(!pattern.test(html), `the page has ${pattern.exec(html)}`);

/** The page that JupyterLab's export gives, whose server reads the same configuration. */
function exported(notebook: string, ...args: string[]): string {
	const config = join(root, "tools", "jupyter", "jupyter_server_config.py");
	const { status, out } = runs(python, ["-m", "nbconvert", "--config", config, "--to", "html", ...args, notebook]);
	assert.equal(status, 0, out);
	return readFileSync(notebook.replace(/ipynb$/, "html"), "utf8");
}

describe("the page of a notebook", () => {
	const work = temporaryFolder();
	const notebook = join(work, "hand.ipynb");
	const figure = { data: [{ type: "bar", x: ["a"], y: [1] }], layout: { title: { text: "</script>" } } };
	const model_id = "5eed";
	let html: string;

	before(() => {
		const cells = [
			markdown("# A *hand-made* notebook\n\nIts introduction."),
			code('let epochs = 5; // at <most>\nlet dataset = "a; // b"; // a folder', ["parameters"]),
			code("// Parameters\nlet epochs = 9;", ["injected-parameters"]),
			markdown("## Images & `code`\n\n### Is this one?\n\n```ts\n## no heading\n```\n\n[Next](04-training.ipynb)"),
			code(
				"1;",
				[],
				[
					output({ [PLOTLY]: figure, "image/png": "iVBORw0KGgo=", "text/plain": "Figure" }),
					output({ [PLOTLY]: figure, "text/plain": "Figure" }, "execute_result"),
					output({
						"application/vnd.jupyter.widget-view+json": { model_id, version_major: 2, version_minor: 0 },
						"text/html": "<b>instead of the widget</b>",
						"text/plain": "plain",
					}),
					output({ "text/html": "<i>html</i>", "text/markdown": "markdown", "image/png": "iVBORw0KGgo=" }),
					output({ "image/svg+xml": "<svg/>", "image/png": "iVBORw0KGgo=", "text/plain": "plain" }, "execute_result"),
				],
			),
			markdown("## Takeaways"),
		];
		writeNotebook(notebook, cells, {
			papermill: { start_time: "2025-03-01T11:00:00+01:00", end_time: "2025-03-01T11:59:00+01:00" },
			widgets: {
				"application/vnd.jupyter.widget-state+json": { version_major: 2, version_minor: 0, state: { [model_id]: {} } },
			},
		});
		html = exported(notebook);
	});

	test("is named as its heading, below which stand date, device and versions", () => {
		has(html, /<title>A hand-made notebook<\/title>/);
		const [, overview] = /<\/h1><section class="overview">([\s\S]*?)<\/section>/.exec(html)!;
		assert.match(overview, /Run on 2025-03-01 10:59 UTC · [CG]PU: /);
		assert.ok(overview.includes(`node ${process.versions.node} ·`));
		assert.match(overview, /tensorflow \d+\.\d+/);
		assert.ok(html.indexOf("Its introduction") > html.indexOf("</section>"));
	});

	test("shows the parameters in force, with the default of those that were given", () => {
		const rows = /<div class="parameters">[\s\S]*?<\/div>/.exec(html)![0].match(/<tr>[\s\S]*?<\/tr>/g)!;
		const texts = rows.map((row) =>
			row
				.replace(/<[^>]*>/g, " ")
				.replace(/\s+/g, " ")
				.trim(),
		);
		assert.deepEqual(texts, ["epochs 9 instead of 5 at &lt;most&gt;", 'dataset "a; // b" a folder']);
	});

	test("has contents whose links lead to its headings", () => {
		const contents = /<nav>[\s\S]*?<\/nav>/.exec(html)![0];
		const links = [...contents.matchAll(/<li class="(h\d)"><a href="#([^"]*)">([^<]*)</g)].map(([, ...link]) => link);
		assert.deepEqual(
			links.map(([level, , text]) => [level, text]),
			[
				["h2", "Images &amp; code"],
				["h3", "Is this one?"],
				["h2", "Takeaways"],
			],
		);
		for (const [level, anchor] of links) assert.ok(html.includes(`<${level} id="${anchor}">`), anchor);
	});

	test("needs nothing from elsewhere", () => {
		hasNo(html, /<script[^>]*\ssrc=/);
		hasNo(html, /<link\s/);
		hasNo(html, /<(img|iframe)[^>]*\ssrc="(?!data:)/);
		hasNo(html, /unpkg\.com|html-manager|MathJax\.js|require\.min\.js/);
	});

	test("shows the richest form of an output, once: a figure, then HTML, Markdown, SVG, PNG, text", () => {
		assert.equal(html.match(/<div class="figure [^>]*id="figure-/g)?.length, 2);
		assert.equal(html.match(/showFigure\("figure-/g)?.length, 2);
		assert.equal(html.match(/<script [^>]*id="plotly"/g)?.length, 1);
		assert.ok(html.includes('{"text": "\\u003c/script\\u003e"}'), "a text ends the script");
		assert.ok(html.includes("<b>instead of the widget</b>") && !html.includes(model_id));
		assert.ok(html.includes("<i>html</i>") && html.includes("data:image/svg+xml"));
		hasNo(html, /<img[^>]*data:image\/png|>markdown<|<pre>plain/);
	});

	test("links to the pages of other notebooks", () => {
		assert.ok(html.includes('<a href="04-training.html">Next</a>'));
	});

	test("has a switch for its code, if there is code", () => {
		has(html, /<label class="show-code"><input [^>]*id="show-code"/);
		has(html, /#show-code:not\(:checked\)/);
		assert.ok(html.includes("hl-typescript"));
		const bare = exported(notebook, "--no-input", "--output", "hand");
		hasNo(bare, /<input [^>]*id="show-code"|hl-typescript/);
		has(bare, /<section class="overview">/);
	});

	test("without a heading takes the file's name, and without a run the date of the export", () => {
		const plain = join(work, "plain.ipynb");
		writeNotebook(plain, [code("1;")]);
		const page = exported(plain);
		has(page, /<title>plain<\/title>/);
		has(page, /<h1 id="plain">[\s\S]*<section class="overview">\s*<p>Exported on 20\d\d-/);
		hasNo(page, /<nav>|<div class="parameters">| id="plotly"/);
	});

	test("is the same from `npm run report` and from JupyterLab", () => {
		const source = join(work, "run.ipynb");
		writeNotebook(source, [markdown("# Run"), code("let a = 1; // one", ["parameters"]), code("console.log(a);")]);
		const reports = join(work, "reports");
		const input = runnerJob("run", source, reports, { a: 2 });
		const { status, out } = runs(python, [join(root, "tools", "report", "run_notebooks.py")], { input });
		assert.equal(status, 0, out);
		const page = readFileSync(join(reports, "run.html"), "utf8");
		has(page, /<pre>2\s*<\/pre>/);
		has(page, /<code>2<\/code> instead of <code>1<\/code>/);
		// JupyterLab's export has no index next to it.
		const back = '<a href="index.html">All reports</a> · ';
		assert.ok(page.includes(back));
		assert.ok(page.replace(back, "") === exported(join(reports, "run.ipynb")), "the pages differ");
	});
});

test("--pdf without a browser is refused before anything is run", () => {
	const bin = temporaryFolder();
	symlinkSync(process.execPath, join(bin, "node"));
	const args = [join(root, "tools", "cli.mjs"), "report", "--pdf", "03"];
	const { status, out } = runs(process.execPath, args, { env: { ...process.env, PATH: bin } });
	assert.equal(status, 1);
	assert.match(out, /^a PDF needs Chromium or Chrome: .*\n$/);
});

describe("--compare", () => {
	const work = temporaryFolder();
	const [a, b, c, d] = ["a", "b", "c", "d <b>"].map((name) => join(work, name));
	const report = { cracked: { precision: 0.5, recall: 1, f1: 0.25, support: 4 } };
	const metrics = {
		date: "2025-03-01T10:00:00.000Z",
		dataset: "images",
		classNames: ["cracked", "intact"],
		counts: { train: 40, valid: 8, test: 8 },
		removed: 3,
		parameters: { epochs: 5, seed: 42 },
		epochsRun: 5,
		history: { loss: [3, 2], acc: [0.5, 0.75], valLoss: [3.5, 2.5], valAcc: [0.25, 0.5] },
		test: { loss: 0.5, accuracy: 0.75 },
		report,
		confusionMatrix: [
			[31, 32],
			[33, 34],
		],
		seconds: { clean: 1, train: 20, evaluate: 2 },
		versions: { node: "20.0.0" },
		device: "CPU",
	};
	const compare = (...args: string[]) => runs("node", [join(root, "tools", "cli.mjs"), "report", "--compare", ...args]);
	const compared = (...args: string[]) => {
		const { status, out } = compare(...args, "--reports", join(work, "out"));
		const lines = out.trimEnd().split("\n");
		assert.deepEqual([status, lines.pop()], [0, `Open ${join(work, "out", "compare.html")}`]);
		return { lines, html: readFileSync(join(work, "out", "compare.html"), "utf8") };
	};
	const pageOf = (...args: string[]) => compared(...args).html;
	/** The cells of the row of a table that starts with `name`. */
	const row = (html: string, name: string) => {
		const rows = [...html.matchAll(/<tr><th>(.*?)<\/th>(.*?)<\/tr>/g)].filter(([, first]) => first === name);
		return rows.flatMap(([, , rest]) => [...rest.matchAll(/<td[^>]*>(.*?)<\/td>/g)].map(([, cell]) => cell));
	};

	before(() => {
		const nothing = { classNames: null, removed: null, epochsRun: null, history: {}, test: null, report: null };
		const counts = { train: null, valid: null, test: null };
		const seconds = { clean: null, train: null, evaluate: null };
		const other = { parameters: { epochs: 9, seed: 42 }, test: { loss: 0.25, accuracy: 1 }, dataset: "</script><b>" };
		for (const [folder, change] of [
			[a, {}],
			[b, other],
			[c, { ...nothing, counts, seconds, confusionMatrix: null }],
			[d, { parameters: { epochs: 5, seed: 43 }, test: { loss: 0.75, accuracy: 0.7 } }],
		] as const) {
			mkdirSync(folder);
			writeFileSync(join(folder, "metrics.json"), JSON.stringify({ ...metrics, ...change }));
		}
		writeFileSync(join(work, "broken.json"), "{");
		writeFileSync(join(work, "list.json"), "[]");
	});

	test("shows what differs first, and folds away what does not", () => {
		const html = pageOf(a, join(b, "metrics.json"));
		assert.deepEqual(row(html, "epochs"), ["<mark>5</mark>", "<mark>9</mark>"]);
		assert.deepEqual(row(html, "seed"), ["42"]);
		assert.deepEqual(row(html, "dataset"), ["<mark>images</mark>", "<mark>&lt;/script&gt;&lt;b&gt;</mark>"]);
		const [epochs, folded, seed, numbers] = ["<mark>5", "<details>", ">seed<", ">Test accuracy<"].map((text) =>
			html.indexOf(text),
		);
		assert.ok(epochs < folded && folded < seed && seed < numbers);
	});

	test("sets the numbers, the curves, the matrices and the reports side by side", () => {
		const html = pageOf(a, b);
		assert.deepEqual(row(html, "Test accuracy"), ["0.75000", "1.00000", "+0.25000"]);
		assert.deepEqual(row(html, "Test loss"), ["0.50000", "0.25000", "−0.25000"]);
		assert.deepEqual(row(html, "Files removed by cleaning"), ["3", "3", "0"]);
		const figures = [...html.matchAll(/showFigure\("(\w+)", (.*?)\);<\/script>/g)].map(([, , json]) =>
			JSON.parse(json),
		);
		assert.deepEqual(
			figures.map(({ data }) => data.map(({ name, y }: { name: string; y: number[] }) => [name, y[0]])),
			[
				[
					["A, training", 3],
					["A, validation", 3.5],
					["B, training", 3],
					["B, validation", 3.5],
				],
				[
					["A, training", 0.5],
					["A, validation", 0.25],
					["B, training", 0.5],
					["B, validation", 0.25],
				],
			],
		);
		assert.deepEqual(row(html, "intact"), ["33", "34", "33", "34"]);
		assert.deepEqual(row(html, "cracked").slice(-4), ["0.5000", "1.0000", "0.2500", "4"]);
		hasNo(html, /<script[^>]*\ssrc=|<link\s/);
		assert.equal(html.match(/<script [^>]*id="plotly"/g)?.length, 1);
	});

	test("says what was not run, and when nothing differs", () => {
		const html = pageOf(a, c);
		assert.deepEqual(row(html, "Test accuracy"), ["0.75000", "not run", ""]);
		assert.equal(html.match(/<p>not run<\/p>/g)?.length, 2);
		has(pageOf(c, c), /Data set, parameters, versions and device are the same/);
	});

	test("of more than two runs has a column for each, and the differences that are more than luck", () => {
		const { html, lines } = compared(a, c, b, d);
		has(html, /<h1>4 runs compared<\/h1>[\s\S]*<th>D<\/th><td>[^<]*d &lt;b&gt;<\/td>/);
		assert.deepEqual(row(html, "epochs"), ["5", "5", "<mark>9</mark>", "5"]);
		assert.deepEqual(row(html, "Test accuracy"), ["0.75000", "not run", "1.00000", "0.70000"]);
		has(html, /The same in all \(\d+\)/);
		has(html, /<li>C − A, D: test accuracy \+27\.5 points, more than the luck of the test images; /);
		has(html, /<li>B: not run, and not compared\.<\/li>/);
		has(html, /Whether they were tested on the same images is not recorded: C and A, D\./);
		assert.deepEqual(row(html, '<span class="whole">A, D</span>')[0], "2");
		assert.deepEqual(row(html, '<span class="whole">C − A, D</span>').slice(2), ["unknown", "unknown", "unknown"]);
		assert.deepEqual(lines, [
			`C (${b}) − A, D (${a} and 1 more): test accuracy +27.5 points, more than the luck of the test images; the luck of seeds is unknown: run C again with other seeds (npm start -- --seed 44 …)`,
			"B: not run, and not compared",
		]);
		hasNo(html, /<b>/);
	});

	test("has one legend entry for each of many runs", () => {
		const html = pageOf(...Array.from({ length: 30 }, () => a));
		has(html, /<tr><th>AD<\/th>/);
		const [, json] = /showFigure\("loss", (.*?)\);<\/script>/.exec(html)!;
		const shown = JSON.parse(json).data.filter(({ showlegend }: { showlegend?: boolean }) => showlegend !== false);
		assert.deepEqual([shown.length, shown[29].name], [30, "AD"]);
		assert.equal(new Set(shown.map(({ line }: { line: { color: string } }) => line.color)).size, 30);
	});

	test("says in one line what is wrong with a run", () => {
		const line = (...args: string[]) => {
			const { status, out } = compare(...args);
			assert.equal(status, 1);
			assert.equal(out.trimEnd().split("\n").length, 1, out);
			return out;
		};
		assert.match(line(a), /--compare needs two runs or more/);
		assert.match(line(a, b, "04"), /--compare .*04: there is no such folder or file/);
		assert.match(line(a, join(work, "nothing")), /nothing: there is no such folder or file/);
		assert.match(line(a, dirname(a)), /no metrics\.json in this folder; npm start -- --reports/);
		assert.match(line(a, join(work, "broken.json")), /broken\.json is not JSON/);
		assert.match(line(a, join(work, "list.json")), /list\.json is not the metrics\.json of a run/);
	});
});

describe("damaged artifacts", () => {
	for (const content of ['{"test": {"los', "{}", '{"test": 5}', "[]", '{"test": {"loss": null, "accuracy": 0.5}}']) {
		test(`${content} are named and left out, and the index is there`, async () => {
			const [artifacts, reports] = [temporaryFolder(), temporaryFolder()];
			for (const name of ["cleaning", "training", "evaluation"])
				writeFileSync(join(artifacts, `${name}.json`), content);
			const lines = await printed(async () => {
				const options = { dataset: artifacts, artifacts, reports, values: {}, declared: {} };
				writeIndex(reports, await writeRun(options as unknown as Parameters<typeof writeRun>[0]));
			});
			for (const name of ["cleaning", "training", "evaluation"]) {
				assert.match(
					lines,
					new RegExp(`^${join(artifacts, name)}\\.json is damaged .*: it is left out; npm start `, "m"),
				);
			}
			assert.equal(JSON.parse(readFileSync(join(reports, "metrics.json"), "utf8")).test, null);
			has(readFileSync(join(reports, "index.html"), "utf8"), /test accuracy \(not run\)/);
		});
	}
});
