/** One measured thing, ours beside another's, as the report gives it. */
export interface Figure {
  readonly name: string
  readonly unit: string
  readonly ours: number
  /** What it is held against; undefined where the aim is a plain number. */
  readonly beside?: { readonly name: string; readonly value: number; readonly ratio: number }
  /** What was promised of it; undefined where it is only told. */
  readonly aim?: string
  readonly met: boolean
}

interface Measured {
  readonly name: string
  readonly unit: string
  readonly ours: number
}

/** Ours against a peer's. The aim, where there is one, is a bound on ours divided by theirs. */
export function against(
  measured: Measured,
  peer: string,
  value: number,
  aim?: { readonly atLeast: number } | { readonly atMost: number },
): Figure {
  const ratio = measured.ours / value
  const figure = { ...rounded(measured), beside: { name: peer, value: round(value), ratio: round(ratio) } }
  if (!aim) return { ...figure, met: true }
  return 'atLeast' in aim
    ? { ...figure, aim: `≥ ${aim.atLeast}×`, met: ratio >= aim.atLeast }
    : { ...figure, aim: `≤ ${aim.atMost}×`, met: ratio <= aim.atMost }
}

/** Ours by itself, with no aim. */
export function told(measured: Measured): Figure {
  return { ...rounded(measured), met: true }
}

/** Ours against a plain number. */
export function atMost(measured: Measured, bound: number): Figure {
  return { ...rounded(measured), aim: `≤ ${bound} ${measured.unit}`, met: measured.ours <= bound }
}

function rounded(measured: Measured): Measured {
  return { ...measured, ours: round(measured.ours) }
}

/** Three digits that say something. */
function round(value: number): number {
  return Number(value.toPrecision(Math.abs(value) >= 1000 ? Math.ceil(Math.log10(Math.abs(value))) : 3))
}
