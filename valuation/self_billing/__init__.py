"""Self-billing: the buyer writes the supplier's invoice, where that is agreed on paper.

Agreements are decided on by two people (`agreements`); the law's wording, rates and tax points are
dated rules (`rules`). Where the agency is the buyer, what it writes is a part of the statement
(`purchases`), numbered and kept as it is issued (`issuing`).
"""
