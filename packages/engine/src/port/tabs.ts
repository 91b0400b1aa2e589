/** The tabs of one browser that hold the same org open. */
export interface Tabs {
  /** Calls `lead` when this tab is to lead (at once where it is the only one), and `step` down again on close. One tab leads at a time. */
  lead(lead: () => void): () => void
  /** Tells the other tabs; a message is plain data. */
  tell(message: unknown): void
  /** What other tabs tell. */
  listen(hear: (message: unknown) => void): () => void
}
