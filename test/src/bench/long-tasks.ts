import type { Page } from 'playwright'

declare global {
  interface Window {
    longTasks?: number[]
  }
}

/**
 * Begins to note the page's tasks of over 50 ms as the browser itself tells of them, by the clock and in milliseconds. A trace tells more, and takes as much of the
 * processor as the page does.
 *
 * @returns a function that gives them
 */
export async function watchLongTasks(page: Page): Promise<() => Promise<readonly number[]>> {
  await page.evaluate(() => {
    const found: number[] = (window.longTasks = [])
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) found.push(Math.round(duration))
    }).observe({ type: 'longtask' })
  })
  // What the browser has noted and not yet told comes with the next turns.
  return () => page.evaluate(() => new Promise<readonly number[]>((resolve) => setTimeout(() => resolve(window.longTasks ?? []), 100)))
}
