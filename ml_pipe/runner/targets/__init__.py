"""Several targets of one model: what each of the calls does with them."""
