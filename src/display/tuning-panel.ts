// The hyperparameter tuning panel.
import { randomUUID } from "node:crypto";
import { PARAMETERS } from "../pipeline/parameters";
import { kernel } from "../support/kernel";
import type { History, Progress } from "../training/history";
import { show, showFigure, showTable } from "./show";
import { COLORS, type Figure } from "./svg";
import { tableBundle } from "./table";
import { liveProgress } from "./training-progress";
import { type Widget, type WidgetState, widget } from "./widgets";

export type Parameters = Record<string, number | string | boolean>;

/**
 * How one parameter is chosen: from a list (a drop-down), from a range (a slider, in powers of ten with `log`), or
 * `true` for a boolean (a check box). The value it has already can be chosen too.
 */
export type Control = readonly (number | string)[] | { min: number; max: number; step?: number; log?: boolean } | true;

/** One training: what it was given and how it went. */
export interface Run<P> {
	parameters: P;
	history: History;
}

export interface TuningOptions<P> {
	/** The parameters that can be changed, and how. Default: those with a `control` in `PARAMETERS`. */
	controls?: { [name in keyof P]?: Control };
	/** Trains with the parameters. `onProgress` is for `train`, and shows it below the panel. */
	train: (parameters: P, onProgress: (progress: Progress) => void) => Promise<History>;
	/** Runs to compare with from the start. Default: none. */
	runs?: Run<P>[];
}

/**
 * Shows a panel of controls bound to `parameters`. "Train" trains with what they say now, "Stop" ends that after the
 * batch at hand, and the runs are compared as curves and as a table. Where there are no widgets, as in an exported
 * report, the panel is a table of the parameters.
 *
 * @param parameters changed in place by the controls
 * @returns the runs so far, in a list that grows
 */
export function tuningPanel<P extends Parameters>(
	parameters: P,
	{ controls = defaultControls(parameters), train, runs = [] }: TuningOptions<P>,
): Run<P>[] {
	const places = { progress: randomUUID(), curves: randomUUID(), table: randomUUID() };
	const names = Object.keys(controls) as (keyof P & string)[];
	const fallback = tableBundle(
		names.map((name) => ({
			parameter: name,
			value: String(parameters[name]),
			choices: describe(controls[name] as Control),
		})),
	);
	if (!kernel()) {
		show(fallback);
		return runs;
	}
	const start = async () => {
		setState("Training …", true);
		const tried = { ...parameters };
		try {
			const history = await train(tried, liveProgress({ id: places.progress }));
			// Stopped before the end of its first epoch, a run has nothing to compare.
			if (history.epochsRun > 0) runs.push({ parameters: tried, history });
			setState(history.epochsRun > 0 ? `Run ${runs.length}: ${history.epochsRun} epochs` : "Stopped", false);
			showRuns(true);
		} catch (error) {
			setState("Training failed.", false);
			throw error;
		}
	};
	const onTrain = () => {
		setState("Waiting for the cell that runs …", true);
		void kernel()?.run(start);
	};
	const trainButton = button("Train", "success", onTrain);
	const stopButton = button("Stop", "warning", () => kernel()?.interrupt());
	const status = widget("Label", { value: "" });
	const setState = (text: string, training: boolean) => {
		status.update({ value: text });
		trainButton.update({ disabled: training });
		stopButton.update({ disabled: !training });
	};
	stopButton.update({ disabled: true });
	const rows = names.map((name) => controlFor(parameters, name, controls[name] as Control));
	const buttons = widget("HBox", { children: [trainButton, stopButton, status].map(({ reference }) => reference) });
	const panel = widget("VBox", { children: [...rows, buttons].map(({ reference }) => reference) });

	const showRuns = (update: boolean) => {
		showFigure(runCurves(runs), { id: places.curves, update });
		showTable(runRows(runs, names), { id: places.table, update });
	};
	show({ ...panel.view, ...fallback });
	show({ "text/plain": " " }, { id: places.progress });
	showRuns(false);
	return runs;
}

function defaultControls<P extends Parameters>(parameters: P): { [name in keyof P]?: Control } {
	const declared = Object.entries(PARAMETERS).filter(([name]) => name in parameters);
	const controls = declared.flatMap(([name, parameter]) => ("control" in parameter ? [[name, parameter.control]] : []));
	return Object.fromEntries(controls);
}

function describe(control: Control): string {
	if (control === true) return "true or false";
	if ("min" in control) return `${control.min} to ${control.max}`;
	return control.join(", ");
}

function button(description: string, style: string, onClick: () => void): Widget {
	return widget("Button", { description, button_style: style }, { onClick });
}

function controlFor<P extends Parameters>(parameters: P, name: keyof P & string, control: Control): Widget {
	const value = parameters[name];
	const style = (of: string) => widget(of, { description_width: "110px" }).reference;
	const set = (chosen: unknown) => {
		parameters[name] = chosen as P[typeof name];
	};
	const toValue = { onChange: (state: WidgetState) => set(state.value) };
	if (control === true) {
		return widget("Checkbox", { description: name, value, style: style("CheckboxStyle") }, toValue);
	}
	if ("min" in control) {
		const [min, max] = [Math.min(control.min, value as number), Math.max(control.max, value as number)];
		const { log = false, step = log ? 0.1 : Number.isInteger(value) ? 1 : (max - min) / 20 } = control;
		const look = { description: name, value, step, style: style("SliderStyle"), continuous_update: false };
		if (log) {
			const powers = { base: 10, min: Math.log10(min), max: Math.log10(max), readout_format: ".1e" };
			// The slider's steps are of the exponent; nobody wants all their digits.
			const rounded = { onChange: (state: WidgetState) => set(Number((state.value as number).toPrecision(2))) };
			return widget("FloatLogSlider", { ...look, ...powers }, rounded);
		}
		return widget(Number.isInteger(step) ? "IntSlider" : "FloatSlider", { ...look, min, max }, toValue);
	}
	const choices = control.includes(value as number | string) ? control : [value as number | string, ...control];
	return widget(
		"Dropdown",
		{
			description: name,
			_options_labels: choices.map(String),
			index: choices.indexOf(value as never),
			style: style("DescriptionStyle"),
		},
		{ onChange: (state) => set(choices[state.index as number]) },
	);
}

/** Validation loss and accuracy of all runs, side by side. */
function runCurves(runs: Run<Parameters>[]): Figure {
	const traces = (measure: "valLoss" | "valAcc", axis: string) =>
		runs.map(({ history }, i) => ({
			type: "scatter",
			mode: "lines+markers",
			name: `run ${i + 1}`,
			x: history[measure].map((_, epoch) => epoch + 1),
			y: history[measure],
			xaxis: `x${axis}`,
			yaxis: `y${axis}`,
			showlegend: axis === "",
			// The same in both panels.
			line: { color: COLORS[i % COLORS.length] },
		}));
	const epoch = { title: { text: "Epoch" }, dtick: 1 };
	return {
		data: [...traces("valLoss", ""), ...traces("valAcc", "2")],
		layout: {
			title: { text: "Runs so far" },
			xaxis: { ...epoch, domain: [0, 0.45] },
			xaxis2: { ...epoch, domain: [0.55, 1], anchor: "y2" },
			yaxis: { title: { text: "Validation loss" } },
			yaxis2: { title: { text: "Validation accuracy" }, anchor: "x2" },
		},
	};
}

function runRows(runs: Run<Parameters>[], names: string[]): object[] {
	return runs.map(({ parameters, history }, i) => {
		const best = history.valLoss.indexOf(Math.min(...history.valLoss));
		return {
			run: i + 1,
			...Object.fromEntries(names.map((name) => [name, parameters[name]])),
			"epochs run": history.epochsRun,
			"best val. loss": history.valLoss[best],
			"its val. accuracy": history.valAcc[best],
			seconds: Math.round(history.seconds),
		};
	});
}
