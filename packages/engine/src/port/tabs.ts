/** The tabs of one browser that have the same org open. One of them leads at a time. */
export interface Tabs {
  /**
   * Calls `lead` when this tab becomes the leader: at once where it is the only tab.
   *
   * @returns a function by which the tab stops leading, or waiting to lead
   */
  lead(lead: () => void): () => void
  /** Sends a message to the other tabs. A message is plain data. */
  tell(message: unknown): void
  /** Calls back with each message of the other tabs. @returns a function that ends this */
  listen(hear: (message: unknown) => void): () => void
}
