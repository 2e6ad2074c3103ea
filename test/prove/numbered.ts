/** Numbers things: equal ones get the same number. */
export class Numbered<Thing> {
  readonly #things: Thing[] = []
  readonly #numbers = new Map<string, number>()

  of(thing: Thing): number {
    const text = JSON.stringify(thing)
    let number = this.#numbers.get(text)
    if (number === undefined) {
      number = this.#things.push(thing) - 1
      this.#numbers.set(text, number)
    }
    return number
  }

  at(number: number): Thing {
    return this.#things[number]!
  }
}
