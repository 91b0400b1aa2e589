/** What stands for a signature here. */
export interface PlainDecision {
  readonly type: string
  readonly iss: string
  readonly by: string
  readonly role: string
  readonly iat: number
  readonly connection: string
}

/** In place of the real check of signatures: the same answers for a plain text. */
export function verifyPlain(
  text: string,
  type: string,
  peer: { readonly org: string },
  wanted: { readonly connection: string; readonly role?: string },
): Promise<{ ok: true; decision: PlainDecision } | { ok: false; reason: string }> {
  const decision: PlainDecision = JSON.parse(text)
  const reasons: readonly (readonly [boolean, string])[] = [
    [decision.type !== type, 'it is another decision'],
    [decision.iss !== peer.org, 'it is signed by another org'],
    [decision.connection !== wanted.connection, 'it belongs to another connection'],
    [wanted.role !== undefined && decision.role !== wanted.role, `its device has not the role ${wanted.role ?? ''}`],
  ]
  const reason = reasons.find(([isWrong]) => isWrong)?.[1]
  return Promise.resolve(reason === undefined ? { ok: true, decision } : { ok: false, reason })
}

