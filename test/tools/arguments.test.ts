import assert from "node:assert/strict";
import { join, resolve } from "node:path";
import { describe, test } from "node:test";
import { parseArguments } from "../../tools/run/arguments";
import { root } from "../helpers";

const parse = (...args: string[]) => parseArguments(args);

test("with no arguments: all notebooks, their defaults, the project's folders", () => {
	const options = parse();
	assert.equal(options.notebooks.length, 10);
	assert.deepEqual([options.dataset, options.artifacts], [join(root, "dataset"), join(root, "artifacts")]);
	const { epochs, batchSize, imageSize, learningRate, patience, seed } = options.values;
	assert.deepEqual([epochs, batchSize, imageSize, learningRate, patience, seed], [5, 32, 64, 0.001, 2, 42]);
	for (const name of ["dataset", "epochs", "batchSize", "imageSize", "learningRate", "seed", "patience", "artifacts"]) {
		assert.ok(options.declared["04-training"].has(name), name);
	}
});

test("flags, -p and = say the same, as numbers, truth values and folders", () => {
	const options = parse(
		"--batch-size",
		"16",
		"-p",
		"epochs=3",
		"--learning-rate=1e-4",
		"--augment",
		"false",
		"--dataset",
		"x y",
		"--pdf",
		"--no-input",
		"04",
		"notebooks/01-data-cleaning.ipynb",
		"--reports",
		"r",
	);
	const { batchSize, epochs, learningRate, augment, dataset } = options.parameters;
	assert.deepEqual([batchSize, epochs, learningRate, augment, dataset], [16, 3, 0.0001, false, resolve("x y")]);
	assert.deepEqual(options.notebooks, ["01-data-cleaning", "04-training"]);
	assert.deepEqual([options.pdf, options.noInput, options.reports], [true, true, resolve("r")]);
});

test("--compare takes two runs or more, relative to where it was typed", () => {
	const { compare, reports } = parse("--compare", "a", "/b/metrics.json", "--reports", "r");
	assert.deepEqual([compare, reports], [[resolve("a"), "/b/metrics.json"], resolve("r")]);
	assert.deepEqual(
		parse("--reports", "r", "--compare=a", "b", "c").compare,
		["a", "b", "c"].map((run) => resolve(run)),
	);
	assert.deepEqual(parse("--compare", "a", "b", "04", "--quiet").compare?.at(-1), resolve("04"));
	assert.equal(parse().compare, null);
});

describe("what is wrong is said in one line", () => {
	const cases: [string[], RegExp][] = [
		[["--epochz", "3"], /^unknown parameter --epochz: did you mean --epochs\?$/],
		[["-p", "epochz=3"], /^unknown parameter -p epochz: did you mean --epochs\?$/],
		[["--colour", "3"], /^unknown parameter --colour; there are --dataset, .*--seed/],
		[["--epochs", "three"], /^--epochs three: expected a whole number above 0, for example 5$/],
		[["--epochs", "-1"], /^--epochs -1: expected a whole number above 0/],
		[["--epochs", "0"], /^--epochs 0: expected/],
		[["--epochs", "2.5"], /^--epochs 2.5: expected a whole number/],
		[["--epochs", ""], /^--epochs : expected/],
		[["--learning-rate", "Infinity"], /^--learning-rate Infinity: expected a number above 0/],
		[["--seed", "-2"], /^--seed -2: expected a whole number of 0 or more/],
		[["--augment", "yes"], /^--augment yes: expected true or false$/],
		[["--precision", "float23"], /^--precision float23: did you mean float32\?$/],
		[["--precision", "half"], /^--precision half: expected float32, mixed_bfloat16, auto$/],
		[["--epochs"], /^--epochs needs a value$/],
		[["-p", "epochs"], /^-p epochs: expected name=value/],
		[["--compare", "a"], /^--compare needs two runs or more: --compare reports\/a reports\/b$/],
		[["--compare"], /^--compare needs two runs or more/],
		[["--compare", "a", "--reports", "r", "b"], /^--compare needs two runs or more/],
		[["04", "--compare", "a", "b"], /^--compare runs no notebooks: with its runs it takes only --reports$/],
		[["--compare", "a", "b", "--epochs", "3"], /^--compare runs no notebooks/],
		[["99-nothing"], /^no notebook 99-nothing: there are 01-data-cleaning, /],
	];
	for (const [args, message] of cases) {
		test(args.join(" "), () => {
			assert.throws(
				() => parse(...args),
				(error: Error) => message.test(error.message) && !error.message.includes("\n"),
			);
		});
	}
	test("a hyperparameter's range is that of its declaration", () => {
		assert.throws(() => parse("--dropout", "1"), /^Error: --dropout 1: expected a number of 0 or more and below 1, /);
		assert.equal(parse("--dropout", "0").parameters.dropout, 0);
	});
	test("zero is fine where it means something", () => {
		assert.deepEqual(parse("--seed", "0", "--patience", "0").parameters.seed, 0);
	});
});

test("a backbone is a network by name, a folder, seen from where it was typed, or an address", () => {
	const { values, parameters } = parse("--backbone", "efficientnet-lite0", "--epochs", "7");
	assert.equal(values.backbone, "efficientnet-lite0");
	// With defaults of its own, which notebooks that know no backbone do not get.
	assert.deepEqual([values.imageSize, values.epochs, values.dropout, values.patience], [160, 7, 0.2, 3]);
	assert.deepEqual(parameters, { backbone: "efficientnet-lite0", epochs: 7 });
	assert.equal(parse().values.imageSize, 64);
	assert.equal(parse("--backbone", "src").values.backbone, resolve("src"));
	assert.throws(
		() => parse("--backbone", "efficientnet-lite1"),
		/^Error: --backbone efficientnet-lite1: there is no such network or folder: did you mean efficientnet-lite0\?$/,
	);
	const address = "https://example.org/net/model.json";
	assert.equal(parse("--backbone", address).values.backbone, address);
});
