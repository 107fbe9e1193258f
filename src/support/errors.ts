// Errors that a retry repeats.

/**
 * Marks an error as one that a retry repeats, such as a loss that is not a number or classes that differ: a sweep fails
 * the trial at once. Other errors can be those of a machine, and are retried.
 */
export const repeating = (error: Error): Error => Object.assign(error, { repeats: true });

/** Whether an error was marked by `repeating`. */
export const repeats = (error: unknown): boolean => (error as { repeats?: unknown } | null)?.repeats === true;
