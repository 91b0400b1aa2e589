/**
 * Calls back when the device's own network goes (false) or comes (true). Only a hint: a line that is still there is dialled again at once, and one that ends
 * without a word is found by its silence.
 *
 * @returns the function that ends it
 */
export type WatchNetwork = (listener: (isThere: boolean) => void) => () => void
