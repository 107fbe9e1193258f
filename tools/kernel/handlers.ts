// Jupyter's requests. https://jupyter-client.readthedocs.io/en/stable/messaging.html
import { setTimeout } from "node:timers/promises";
import type { Kernel } from "../../src/support/kernel";
import { acceptComm, type CommContent, forgetComm, openComms, receiveFromComm } from "./comms";
import type { CellConverter } from "./converter";
import { toBundle } from "./display";
import { currentRun, Interrupted, interruptByMessage, type Publish, Run } from "./execution";
import { Executor } from "./executor";
import { enclosingCall, toMarkdown, toText } from "./inspect";
import { Stacks } from "./stacks";
import { TaskCancelled, TaskQueue } from "./task-queue";

interface ExecuteRequest {
	code: string;
	silent?: boolean;
	stop_on_error?: boolean;
}

interface CodeRequest {
	code: string;
	cursor_pos: number;
}

/** The contents of the requests, by type. */
interface Requests {
	kernel_info_request: object;
	execute_request: ExecuteRequest;
	is_complete_request: { code: string };
	inspect_request: CodeRequest;
	complete_request: CodeRequest;
	comm_info_request: { target_name?: string };
	history_request: object;
	comm_open: CommContent;
	comm_msg: CommContent;
	comm_close: CommContent;
	interrupt_request: object;
	shutdown_request: { restart: boolean };
}

/** The content of a reply; undefined for messages without one. */
type Answer = object | undefined;
type Table = { [Type in keyof Requests]: (content: Requests[Type], publish: Publish) => Answer | Promise<Answer> };

const withoutReply =
	<Content>(receive: (content: Content, publish: Publish) => void) =>
	(content: Content, publish: Publish): Answer => {
		receive(content, publish);
		return undefined;
	};

/** Milliseconds within which the cells that were sent together with a failed one arrive. */
const SENT_TOGETHER = 20;

/** Answers requests. */
export class Handlers {
	private count = 0;
	private readonly queue = new TaskQueue();
	private readonly stacks = new Stacks();
	private readonly executor: Executor;
	/** Resolves when the cells that waited for a failed one are cancelled. */
	private recovered = Promise.resolve();

	private readonly table: Table = {
		kernel_info_request: () => this.kernelInfo(),
		execute_request: (request, publish) => this.execute(request, publish),
		is_complete_request: ({ code }) => this.isComplete(code),
		inspect_request: ({ code, cursor_pos }) => this.inspect(code, cursor_pos),
		complete_request: ({ code, cursor_pos }) => this.complete(code, cursor_pos),
		comm_info_request: ({ target_name }) => ({ status: "ok", comms: openComms(target_name) }),
		// JupyterLab's console asks for it; the kernel keeps none.
		history_request: () => ({ status: "ok", history: [] }),
		comm_open: withoutReply(acceptComm),
		comm_msg: withoutReply(receiveFromComm),
		comm_close: withoutReply(forgetComm),
		interrupt_request() {
			interruptByMessage();
			return { status: "ok" };
		},
		shutdown_request: ({ restart }) => ({ status: "ok", restart }),
	};

	/** @param folder folder of the notebook */
	constructor(
		folder: string,
		private readonly converter: () => CellConverter,
	) {
		this.executor = new Executor(folder, converter, this.stacks);
	}

	/** Acts on a request and resolves to the content of its reply. */
	async handle(type: string, content: object, publish: Publish): Promise<Answer> {
		if (!(type in this.table)) {
			console.warn(`unknown msg_type: ${type}`);
			return undefined;
		}
		try {
			// The type names the content, which TypeScript cannot follow.
			return await this.table[type as keyof Requests](content as never, publish);
		} catch (error) {
			if (!type.endsWith("_request")) throw error;
			// Without a reply a front end would wait for ever.
			return { status: "error", ...this.stacks.describe(error) };
		}
	}

	/** Runs a widget's work as if it were a cell; its outputs go to the cell that opened the widget. */
	readonly runTask: Kernel["run"] = (work) => {
		const run = currentRun();
		const publish: Publish = (...message) => run?.publish(...message);
		return this.queue.add(async () => {
			publish("status", { execution_state: "busy" });
			try {
				await new Run(publish).run(work);
			} catch (error) {
				// A widget says itself that it was stopped.
				if (!(error instanceof Interrupted)) publish("error", this.stacks.describe(error));
			} finally {
				publish("status", { execution_state: "idle" });
			}
		});
	};

	private kernelInfo(): Answer {
		const { version } = require("tslab/package.json") as { version: string };
		return {
			status: "ok",
			protocol_version: "5.3",
			implementation: "tslab",
			implementation_version: version,
			banner: `tslab ${version} with TypeScript ${this.converter().version}`,
			language_info: {
				name: "typescript",
				version: this.converter().version,
				mimetype: "text/typescript",
				file_extension: ".ts",
				// `mode` is JupyterLab's; with the other two the classic notebook finds TypeScript's colours.
				// https://github.com/yunabe/tslab/issues/18
				codemirror_mode: { mode: "typescript", name: "javascript", typescript: true },
			},
		};
	}

	private async execute({ code, silent, stop_on_error }: ExecuteRequest, publish: Publish): Promise<Answer> {
		let execution_count: number | undefined;
		try {
			await this.queue.add(() => {
				execution_count = silent ? this.count : ++this.count;
				return this.executeNow(code, execution_count, silent ? () => {} : publish);
			});
			return { status: "ok", execution_count, user_expressions: {}, payload: [] };
		} catch (error) {
			if (error instanceof TaskCancelled) {
				await this.recovered;
				return { status: "aborted" };
			}
			const description = this.stacks.describe(error);
			publish("error", description);
			// The cells that were sent by now do not run; one that is sent after the reply does. Asking the socket
			// whether more has arrived would stop its own reading. https://github.com/yunabe/tslab/issues/19
			const wait = stop_on_error === false ? 0 : SENT_TOGETHER;
			this.recovered = setTimeout(wait).then(() => this.queue.reset());
			await this.recovered;
			return { status: "error", execution_count, ...description };
		}
	}

	private async executeNow(code: string, execution_count: number, publish: Publish): Promise<void> {
		publish("execute_input", { code, execution_count });
		await new Run(publish).run(async () => {
			const { value } = await this.executor.execute(code, `cell [${execution_count}]`);
			if (value === undefined || value === null) return;
			publish("execute_result", { execution_count, data: await toBundle(value), metadata: {} });
		});
	}

	private isComplete(code: string): Answer {
		const { completed, indent } = this.converter().isComplete(code);
		return completed ? { status: "complete" } : { status: "incomplete", indent };
	}

	private inspect(code: string, position: number): Answer {
		const call = enclosingCall(code, position);
		const info =
			this.executor.inspect(code, position) ?? (call === undefined ? undefined : this.executor.inspect(code, call));
		const data = info ? { "text/plain": toText(info), "text/markdown": toMarkdown(info) } : {};
		return { status: "ok", found: info !== undefined, data, metadata: {} };
	}

	private complete(code: string, position: number): Answer {
		const { start, end, candidates, original } = this.executor.complete(code, position);
		const kinds = new Map<string, string>(original?.entries.map(({ name, kind }) => [name, kind]));
		// JupyterLab shows the kinds next to the names.
		const types = candidates.map((text) => ({ text, type: kinds.get(text) ?? "", start, end }));
		const metadata = { _jupyter_types_experimental: types };
		return { status: "ok", matches: candidates, cursor_start: start, cursor_end: end, metadata };
	}
}
