// Learning curves and confusion matrix as figures.
import type { Curves } from "../training/history";
import type { Figure } from "./svg";

/**
 * Returns a figure of the learning curves: training and validation accuracy or loss by epoch.
 *
 * @param measure `"acc"` or `"loss"`
 * @param options `afterEpoch`: the same of the training images after each epoch, as from `EvaluateAfterEpoch`, default none;
 *   the curve of the history is then named a running mean
 */
export function curves(
	history: Curves,
	measure: "acc" | "loss",
	{ afterEpoch }: { afterEpoch?: Record<"acc" | "loss", number[]> } = {},
): Figure {
	const name = measure === "acc" ? "Accuracy" : "Loss";
	const [training, validation] = measure === "acc" ? [history.acc, history.valAcc] : [history.loss, history.valLoss];
	const trace = (y: number[], label: string) => ({
		type: "scatter",
		mode: "lines+markers",
		name: label,
		x: y.map((_, i) => i + 1),
		y,
	});
	return {
		data: [
			trace(training, `Training ${name}${afterEpoch ? " (running mean)" : ""}`),
			...(afterEpoch ? [trace(afterEpoch[measure], `Training ${name} (after the epoch)`)] : []),
			...(validation.length ? [trace(validation, `Validation ${name}`)] : []),
		],
		layout: {
			title: { text: `Model ${name}` },
			xaxis: { title: { text: "Epoch" }, dtick: 1 },
			yaxis: { title: { text: name } },
			// Beside the curves, long names leave no room for them on a narrow screen.
			legend: { orientation: "h", y: -0.25 },
		},
	};
}

/**
 * Returns a figure of a confusion matrix as a heat map: rows are true classes, columns predicted classes.
 *
 * @param options `normalized`: whether the matrix holds fractions, shown in per cent, default false
 */
export function confusionMatrixFigure(matrix: number[][], classNames: string[], { normalized = false } = {}): Figure {
	// Room for each name: in rows at the left, and turned below.
	const longest = Math.max(...classNames.map((name) => name.length));
	const height = Math.max(400, 150 + 22 * classNames.length + 6 * Math.min(longest, 40));
	return {
		data: [
			{
				type: "heatmap",
				z: matrix,
				x: classNames,
				y: classNames,
				texttemplate: normalized ? "%{z:.1%}" : "%{z}",
				colorscale: "Blues",
				reversescale: true,
			},
		],
		layout: {
			title: { text: normalized ? "Normalized confusion matrix" : "Confusion matrix" },
			xaxis: { title: { text: "Predicted class" }, type: "category" },
			yaxis: { title: { text: "True class" }, type: "category", autorange: "reversed", dtick: 1 },
			height,
		},
	};
}
