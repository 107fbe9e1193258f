// The precision–recall curve and the ROC curves.
import { claim } from "../../../src/display/claims";
import * as metrics from "../../../src/metrics";
import { mean } from "../../../src/support/statistics";
import { figure } from "./parts";
import type { Context } from "./recompute";

export function* curveParts({ test, classNames, positiveClass, resampled }: Context) {
	const { yTrue, probabilities } = test;
	const column = (label: number) => probabilities.map((row) => row[label]);
	const is = (label: number) => yTrue.map((value) => Number(value === label));
	const [isPositive, scores] = [is(positiveClass), column(positiveClass)];
	const prevalence = mean(isPositive);
	const average = resampled((i) => metrics.averagePrecisionScore(metrics.pick(isPositive, i), metrics.pick(scores, i)));
	const { precision, recall } = metrics.precisionRecallCurve(isPositive, scores);
	yield figure({
		data: [
			{ mode: "lines", name: `average precision ${average.value.toFixed(4)}`, x: recall, y: precision },
			{ name: `random scores: ${prevalence.toFixed(4)}`, x: [0, 1], y: [prevalence, prevalence] },
		],
		layout: { title: { text: `Precision–recall curve of ${classNames[positiveClass]}` } },
	});
	const curves = classNames.map((name, label) => {
		const { fpr: x, tpr: y } = metrics.rocCurve(is(label), column(label));
		return { mode: "lines", name: `${name}: AUC ${metrics.auc(x, y).toFixed(4)}`, x, y };
	});
	yield figure({
		data: curves.length === 2 ? [curves[positiveClass]] : curves,
		layout: { title: { text: "ROC curve" } },
	});
	const name = classNames[positiveClass];
	return claim(`The scores rank ${name} above the others better than chance`, average, { above: prevalence });
}
