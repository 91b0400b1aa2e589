/** The tabs of one browser that have the same org open. One of them leads at a time. */
export interface Tabs {
  /**
   * Calls `lead` when this tab becomes the leader: at once where it is the only tab. Calls `resign` when another tab has taken over. This one then waits
   * for its next turn, and `lead` may be called again.
   *
   * @returns a function by which the tab stops leading, or waiting to lead
   */
  lead(lead: () => void, resign: () => void): () => void
  /** Sends a message to the other tabs. A message is plain data. */
  tell(message: unknown): void
  /**
   * Calls back with each message of the other tabs.
   *
   * @param missed is called when messages may have been lost, as this tab was frozen
   * @returns a function that ends this
   */
  listen(hear: (message: unknown) => void, missed?: () => void): () => void
}
