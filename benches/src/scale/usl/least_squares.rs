//! Levenberg-Marquardt with bounds, for three parameters.

use super::{Model, Point};

/// Steps of one descent; a few dozen are usual.
const STEPS_MAX: usize = 500;
/// A step that gains less than this share of the error is the last.
const GAIN_MIN: f64 = 1e-12;
/// Damping that no step of any use needs.
const DAMPING_MAX: f64 = 1e12;
/// α and β where descents begin: the valley between the two is flat, and one may end at a bound too early.
const STARTS: [(f64, f64); 4] = [(0.0, 0.0), (0.1, 0.0), (0.0, 0.01), (0.1, 0.01)];

/// The model with the smallest sum of squares among those with γ > 0 and α, β ≥ 0.
pub(super) fn fit(points: &[Point]) -> Model {
    best(points, STARTS.iter().map(|(alpha, beta)| start(points, *alpha, *beta)))
}

/// The same for points that differ little from those of `near`: two descents suffice.
pub(super) fn fit_near(points: &[Point], near: &Model) -> Model {
    best(points, [*near, start(points, 0.0, 0.0)].into_iter())
}

fn best(points: &[Point], starts: impl Iterator<Item = Model>) -> Model {
    let descents = starts.map(|start| descend(start, points));
    let best = descents.min_by(|one, other| one.squared_error(points).total_cmp(&other.squared_error(points)));
    best.unwrap_or(Model { gamma: 0.0, alpha: 0.0, beta: 0.0 })
}

/// For given α and β the best γ is linear.
fn start(points: &[Point], alpha: f64, beta: f64) -> Model {
    let shape = Model { gamma: 1.0, alpha, beta };
    let of = |point: &Point| shape.at(point.replicas.into());
    let (above, below) = points
        .iter()
        .fold((0.0, 0.0), |(above, below), point| (above + point.per_s * of(point), below + of(point).powi(2)));
    Model { gamma: above / below, alpha, beta }
}

fn descend(mut model: Model, points: &[Point]) -> Model {
    let (mut error, mut damping) = (model.squared_error(points), 1e-3);
    for _ in 0..STEPS_MAX {
        let (curvature, slope) = normal_equations(&model, points);
        let Some(next) = step(&model, curvature, slope, damping) else { break };
        let next_error = next.squared_error(points);
        if next_error < error {
            let gain = (error - next_error) / error;
            (model, error, damping) = (next, next_error, damping / 10.0);
            if gain < GAIN_MIN {
                break;
            }
        } else {
            damping *= 10.0;
            if damping > DAMPING_MAX {
                break;
            }
        }
    }
    model
}

/// `JᵀJ` and `Jᵀr` for the parameters (γ, α, β).
fn normal_equations(model: &Model, points: &[Point]) -> ([[f64; 3]; 3], [f64; 3]) {
    let (mut curvature, mut slope) = ([[0.0; 3]; 3], [0.0; 3]);
    for point in points {
        let replicas = f64::from(point.replicas);
        let (at, slowdown) = (model.at(replicas), model.slowdown(replicas));
        let gradient =
            [replicas / slowdown, -at * (replicas - 1.0) / slowdown, -at * replicas * (replicas - 1.0) / slowdown];
        for row in 0..3 {
            slope[row] += gradient[row] * (point.per_s - at);
            for column in 0..3 {
                curvature[row][column] += gradient[row] * gradient[column];
            }
        }
    }
    (curvature, slope)
}

/// One damped step. A parameter that stands at its bound and would go below it stays there.
fn step(model: &Model, mut curvature: [[f64; 3]; 3], mut slope: [f64; 3], damping: f64) -> Option<Model> {
    let held = [false, model.alpha <= 0.0 && slope[1] <= 0.0, model.beta <= 0.0 && slope[2] <= 0.0];
    for row in 0..3 {
        if held[row] {
            slope[row] = 0.0;
            curvature[row] = [0.0; 3];
            for others in &mut curvature {
                others[row] = 0.0;
            }
            curvature[row][row] = 1.0;
        }
        curvature[row][row] *= 1.0 + damping;
    }
    let [gamma, alpha, beta] = solve(curvature, slope)?;
    let next =
        Model { gamma: model.gamma + gamma, alpha: (model.alpha + alpha).max(0.0), beta: (model.beta + beta).max(0.0) };
    // A step too far: the caller damps more.
    Some(if next.gamma > 0.0 { next } else { *model })
}

/// Gaussian elimination with pivots; `None` where the matrix is singular.
fn solve(mut matrix: [[f64; 3]; 3], mut right: [f64; 3]) -> Option<[f64; 3]> {
    for column in 0..3 {
        let pivot = (column..3).max_by(|a, b| matrix[*a][column].abs().total_cmp(&matrix[*b][column].abs()))?;
        if matrix[pivot][column].abs() < f64::MIN_POSITIVE {
            return None;
        }
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        for row in column + 1..3 {
            let factor = matrix[row][column] / matrix[column][column];
            let of_pivot = matrix[column];
            for (value, above) in matrix[row].iter_mut().zip(of_pivot) {
                *value -= factor * above;
            }
            right[row] -= factor * right[column];
        }
    }
    let mut solution = [0.0; 3];
    for row in (0..3).rev() {
        let known: f64 = (row + 1..3).map(|column| matrix[row][column] * solution[column]).sum();
        solution[row] = (right[row] - known) / matrix[row][row];
    }
    Some(solution)
}
