/** A statement that its signer alone can make: an ideal signature. Only `sign` makes one, and the object itself is the proof. */
export class Signed<Claims> {
  readonly signer: string
  readonly claims: Claims

  private constructor(signer: string, claims: Claims) {
    this.signer = signer
    this.claims = claims
  }

  /** @param signer the name of a device, or `root V`: code acting for anybody else never passes it */
  static sign<Claims>(signer: string, claims: Claims): Signed<Claims> {
    return new Signed(signer, claims)
  }
}
