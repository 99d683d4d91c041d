"""The shortest program: a picture for a sentence.

python examples/first_picture.py
"""

import fusedream_sdk as fd

result = fd.FuseDream("emoji").generate("a blue dog", seeds=1)
result.save("blue-dog.png", overwrite=True)
print(result, {name: round(float(score[0]), 3) for name, score in result.scores.items()})
