"""Makes customers.csv: 2,000 customers who never lived, with the gaps and absurd values of real tables."""

import math
import random

chance = random.Random(20)


def customer(number):
    """The cells of one row."""
    age = round(chance.triangular(18, 90, 38))
    gender = chance.choices(["female", "male", "other"], [48, 48, 4])[0]
    income = math.exp(chance.gauss(10.3 + 0.006 * min(age, 60), 0.45))
    wish = 1.4 * math.sin(age / 14) + 1.1 * math.log(income / 32_000) + {"female": 0.5, "male": -0.3, "other": 0.1}[gender]
    bought = int(chance.random() < 1 / (1 + math.exp(-1.8 * wish)))
    if chance.random() < 0.01:
        age = chance.choice([-1, 0, 199, 999])
    if chance.random() < 0.004:
        income *= 60
    cells = [number, age, gender, round(income), bought]
    for place, share in [(1, 0.06), (2, 0.02), (3, 0.03)]:
        if chance.random() < share:
            cells[place] = ""
    return ",".join(str(cell) for cell in cells)


with open("customers.csv", "w") as file:
    file.write("id,age,gender,income,bought\n")
    for number in range(1, 2001):
        file.write(customer(number) + "\n")
