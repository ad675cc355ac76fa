"""The picture of the README, for the first page."""

import matplotlib.pyplot as plt
from teleport import draw

import liegroup_teleport as lt

plt.style.use(lt.plotting.style())
draw()
