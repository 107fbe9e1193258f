// The hyperparameter tuning panel.
import { randomUUID } from "node:crypto";
import { PARAMETERS } from "../pipeline/parameters";
import { type Bundle, kernel } from "../support/kernel";
import type { History, Progress } from "../training/history";
import { show, showFigure, showTable } from "./show";
import { COLORS, type Figure } from "./svg";
import { tableBundle } from "./table";
import { liveProgress } from "./training-progress";
import { type Widget, type WidgetState, widget } from "./widgets";

/** Values of the parameters by name. */
export type Parameters = Record<string, number | string | boolean>;

/**
 * Control of a parameter: a list for a drop-down, a range for a slider (logarithmic with `log`), or `true` for the check
 * box of a boolean. The current value is added to the list or the range.
 */
export type Control = readonly (number | string)[] | { min: number; max: number; step?: number; log?: boolean } | true;

/** One training run: its parameters and its history. */
export interface Run<P> {
	parameters: P;
	history: History;
}

export interface TuningOptions<P> {
	/** Controls by parameter. Default: those of `PARAMETERS`. */
	controls?: { [name in keyof P]?: Control };
	/** Function that trains with the parameters; `onProgress` is the option of `train`, and shows its progress. */
	train: (parameters: P, onProgress: (progress: Progress) => void) => Promise<History>;
	/** Earlier runs to compare with. Default: none. */
	runs?: Run<P>[];
}

/**
 * Shows a tuning panel of controls bound to `parameters`. "Train" trains with the current values, "Stop" ends training
 * after the current batch, and the runs are compared as curves and as a table. Without widgets, as in an exported report,
 * the panel is a table of the parameters.
 *
 * @param parameters current values, updated in place by the controls
 * @returns the runs so far, in a list that each training run is added to
 */
export function tuningPanel<P extends Parameters>(
	parameters: P,
	{ controls = defaultControls(parameters), train, runs = [] }: TuningOptions<P>,
): Run<P>[] {
	const names = Object.keys(controls) as (keyof P & string)[];
	const fallback = parameterTable(parameters, controls, names);
	if (!kernel()) {
		show(fallback);
		return runs;
	}
	const ids = { progress: randomUUID(), curves: randomUUID(), table: randomUUID() };
	const showRuns = (update: boolean) => {
		showFigure(runCurves(runs), { id: ids.curves, update });
		showTable(runRows(runs, names), { id: ids.table, update });
	};
	const start = async () => {
		const trained = { ...parameters };
		buttons.setStatus("Training …", true);
		try {
			const history = await train(trained, liveProgress({ id: ids.progress }));
			// A run that was stopped in its first epoch has nothing to compare.
			if (history.epochsRun > 0) runs.push({ parameters: trained, history });
			buttons.setStatus(history.epochsRun > 0 ? `Run ${runs.length}: ${history.epochsRun} epochs` : "Stopped", false);
			showRuns(true);
		} catch (error) {
			buttons.setStatus("Training failed.", false);
			throw error;
		}
	};
	const buttons = trainingButtons(start);
	const rows = names.map((name) => controlFor(parameters, name, controls[name] as Control));
	show({ ...box("VBox", [...rows, box("HBox", buttons.widgets)]).view, ...fallback });
	show({ "text/plain": " " }, { id: ids.progress });
	showRuns(false);
	return runs;
}

/** Returns a table of the parameters, their values and their choices. */
function parameterTable<P extends Parameters>(
	parameters: P,
	controls: { [name in keyof P]?: Control },
	names: (keyof P & string)[],
): Bundle {
	const rows = names.map((name) => ({
		parameter: name,
		value: String(parameters[name]),
		choices: describe(controls[name] as Control),
	}));
	return tableBundle(rows);
}

/** Returns the buttons "Train", which runs `start` after the waiting cells, and "Stop", with a status label. */
function trainingButtons(start: () => Promise<void>) {
	const onTrain = () => {
		setStatus("Waiting for the cell that runs …", true);
		void kernel()?.run(start);
	};
	const trainButton = button("Train", "success", onTrain);
	const stopButton = button("Stop", "warning", () => kernel()?.interrupt());
	const status = widget("Label", { value: "" });
	const setStatus = (text: string, isTraining: boolean) => {
		status.update({ value: text });
		trainButton.update({ disabled: isTraining });
		stopButton.update({ disabled: !isTraining });
	};
	stopButton.update({ disabled: true });
	return { widgets: [trainButton, stopButton, status], setStatus };
}

const box = (name: "HBox" | "VBox", children: Widget[]): Widget =>
	widget(name, { children: children.map(({ reference }) => reference) });

/** Returns the controls that `PARAMETERS` declares for the parameters. */
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

/** Returns the widget of a control, which sets the parameter. */
function controlFor<P extends Parameters>(parameters: P, name: keyof P & string, control: Control): Widget {
	const value = parameters[name];
	const style = (className: string) => widget(className, { description_width: "110px" }).reference;
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
		const slider = { description: name, value, step, style: style("SliderStyle"), continuous_update: false };
		if (log) {
			const powers = { base: 10, min: Math.log10(min), max: Math.log10(max), readout_format: ".1e" };
			// The slider's steps are of the exponent, which gives values with many digits.
			const rounded = { onChange: (state: WidgetState) => set(Number((state.value as number).toPrecision(2))) };
			return widget("FloatLogSlider", { ...slider, ...powers }, rounded);
		}
		return widget(Number.isInteger(step) ? "IntSlider" : "FloatSlider", { ...slider, min, max }, toValue);
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

/** Returns the validation loss and accuracy of all runs, side by side. */
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
			// A run has the same colour in both panels.
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
