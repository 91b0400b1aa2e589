import type { Engine } from '@entente/engine'

/** Waits until a condition holds, and checks it after every change of one of the engines. @throws Error with `what` after `ms` */
export async function until(what: string, engines: readonly Engine[], holds: () => boolean, ms = 30_000): Promise<void> {
  if (holds()) return
  await new Promise<void>((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer)
      for (const stop of watches) stop()
    }
    const look = (): void => {
      if (!holds()) return
      end()
      resolve()
    }
    const watches = engines.map((engine) => engine.watch(look))
    const timer = setTimeout(() => {
      end()
      reject(new Error(`Still waiting for ${what}. It goes on by itself once both lines are online; then try this step again.`))
    }, ms)
  })
}

export function seconds(count: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, count * 1000))
}
