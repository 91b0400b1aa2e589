/** Asks at most once in `ms`: every call within that time gets the same answer, also while it is awaited. */
export function rememberFor<T>(ms: number, ask: () => Promise<T>): () => Promise<T> {
  let at = Number.NEGATIVE_INFINITY
  let answer: Promise<T> | undefined
  return () => {
    const now = performance.now()
    if (!answer || now - at > ms) {
      at = now
      answer = ask()
    }
    return answer
  }
}
