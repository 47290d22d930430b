local mark, below = arg(1), tonumber(arg(2))
append(mark, 'never', 'kind', 'floor', 'below', text(below))
return {now}
