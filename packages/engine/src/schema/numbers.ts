import { epochBound, stampBounds } from '@entente/protocol'
import * as v from 'valibot'

// Numbers as they come from the other org, bounded where they are read (rule ST8): each is one that this org can count on with, and that every page can show.

const upTo = (least: number, most: number) => v.pipe(v.number(), v.safeInteger(), v.minValue(least), v.maxValue(most))

/** A time in ms since 1970. */
export const instant = upTo(0, stampBounds.time - 1)
/** A time in seconds since 1970. */
export const instantSeconds = upTo(0, Math.floor(stampBounds.time / 1000) - 1)
/** How many there are of something, or the index of one of them. */
export const mostCount = 1_000_000
export const count = upTo(0, mostCount)
/** The version of an agreement (rule AG1). */
export const version = upTo(1, epochBound - 1)
