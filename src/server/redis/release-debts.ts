/** A leg whose end Redis does not know of yet. */
export interface Debt {
  readonly session: string
  readonly leg: number
  /** The release was sent before, and its answer was lost: this is the same one again. */
  again: boolean
  readonly settle: (last: boolean) => void
}

/** Releases that Redis still has to be told of, however long it is away. */
export class ReleaseDebts {
  private readonly release: (debt: Debt) => Promise<boolean>
  private readonly owed = new Set<Debt>()
  private paying = false

  /** @param release resolves with whether it was the session's last leg. */
  constructor(release: (debt: Debt) => Promise<boolean>) {
    this.release = release
  }

  add(debt: Debt): void {
    this.owed.add(debt)
  }

  /** Sends them one after the other; rejects at the first that Redis could not be told of. */
  async pay(): Promise<void> {
    if (this.paying) return
    this.paying = true
    try {
      for (const debt of this.owed) {
        const last = await this.release(debt)
        if (this.owed.delete(debt)) debt.settle(last)
      }
    } catch (error) {
      for (const debt of this.owed) debt.again = true
      throw error
    } finally {
      this.paying = false
    }
  }

  /** Nobody waits for the answers any longer. */
  drop(): void {
    for (const { settle } of this.owed) settle(false)
    this.owed.clear()
  }
}
