// Cells and widgets' work wait here for each other.

/** Rejects the tasks that waited for one that failed. */
export class TaskCancelled extends Error {}

/** Runs tasks one after another. After a failure, those that wait are cancelled, and new ones too, until `reset`. */
export class TaskQueue {
	private last: Promise<unknown> = Promise.resolve();

	add<T>(task: () => Promise<T>): Promise<T> {
		const result = this.last.then(task, () => {
			throw new TaskCancelled();
		});
		this.last = result;
		return result;
	}

	reset(): void {
		this.last = Promise.resolve();
	}
}
